// Verifier: what every kernel must fulfil before it is run or written out.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/result.h"
#include "hal/target.h"

namespace trireme::kernel {

inline constexpr uint32_t kMaxGroupSize = 1024;
inline constexpr size_t kMaxParameters = 64;

// Types fit their ops; values are defined once, before and inside the region of their uses; buffers are used as their
// access allows; barriers and subgroup ops stand where all items of a group go the same way.
// Errors: kInternal naming the kernel and the instruction.
Status verify(const Function& function);

// What a target allows.
struct Limits {
  uint32_t group_size = kMaxGroupSize;
  uint32_t shared_bytes = 32768;
  uint32_t subgroup_size = 0;  // 0: it has none that a kernel may rely on
  uint32_t buffers = 16;
};

Limits limits_of(const Target& target);

// Errors: kUnsupported naming what the kernel needs and what there is.
Status check_limits(const Function& function, const Limits& limits);

}  // namespace trireme::kernel
