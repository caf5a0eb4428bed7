// Functions that kernels in OpenCL C bring along, for ops that the language lacks.
#pragma once

#include <string>

#include "compiler/kernel/op.h"
#include "compiler/kernel/type.h"
#include "hal/target.h"

namespace trireme::compiler {

struct Helper {
  kernel::Op op = kernel::Op::kAbsolute;
  int lanes = 1;
  bool small = false;  // kDot4Signed of vectors whose first bytes are at most 127: unsigned or not, it is the same

  auto operator<=>(const Helper&) const = default;
};

bool needs_opencl_helper(kernel::Op op, kernel::Type result);
std::string helper_name(const Helper& helper);
// Its definition.
std::string opencl_helper(const Helper& helper, const Target& target);

}  // namespace trireme::compiler
