// Interpreter: runs a kernel on the CPU, all work items of a group in step, and reports what a device would let pass:
// the compiler's oracle. It is slow.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "compiler/kernel/function.h"
#include "hal/result.h"

namespace trireme::kernel {

struct BoundBuffer {
  std::span<std::byte> bytes;
  bool initialized = true;  // false: a read of what the kernel has not written is an error
};

struct Launch {
  std::array<uint32_t, 3> groups = {1, 1, 1};
  std::vector<BoundBuffer> buffers;        // as Function::buffers
  std::vector<uint32_t> launch_constants;  // the bits of each
  // The bits of each specialization; empty: their defaults.
  std::vector<uint32_t> specializations = {};
};

// Runs every group to its end, one after the other. The kernel must verify.
// Errors: kInternal naming kernel, group, item and instruction, for
// - a load or store outside of its buffer or shared array, and a read of what nobody has written;
// - a race: two items touch one byte and at least one writes it, and no barrier of their group stands between;
// - a division by zero or of the least i32 by -1, a shift by 32 or more, a loop whose step is not above zero or
// whose index overflows, and an endless loop; kInvalidArgument when the launch does not fit the kernel.
Status interpret(const Function& function, const Launch& launch);

}  // namespace trireme::kernel
