// source_of: what every emitter says of a kernel besides its code.
#pragma once

#include <string>
#include <utility>

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

inline KernelSource source_of(const kernel::Function& function, std::string code) {
  return {function.name,
          std::move(code),
          function.group_size,
          uint32_t(function.buffers.size()),
          uint32_t(function.launch_constants.size()),
          function.subgroup_size};
}

}  // namespace trireme::compiler
