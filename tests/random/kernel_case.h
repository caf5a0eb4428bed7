// A kernel with everything that one launch of it needs, and the ways to run it.
#pragma once

#include <array>
#include <vector>

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::random {

using Words = std::vector<uint32_t>;

struct KernelCase {
  kernel::Function function;
  std::array<uint32_t, 3> groups = {1, 1, 1};
  std::vector<Words> memory;
  std::vector<size_t> bound;  // of each buffer of the function: its memory; two that are only read may share one
  Words launch_words;
};

// What lies in the memories after the launch. Errors: those of the interpreter.
Result<std::vector<Words>> interpret(const KernelCase& test);

// The same on a device. Errors: those of the emitter and the device.
Result<std::vector<Words>> run(KernelDevice& device, const KernelCase& test);

}  // namespace trireme::random
