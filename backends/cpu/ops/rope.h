// What rope kernels share across targets.
#pragma once

#include <cstdint>

#include "hal/ops.h"

namespace trireme::cpu {

// Scratch for one head lies on the stack.
inline constexpr int64_t kMaxHeadColumns = 1024;
inline constexpr int64_t kMaxFrequencies = kMaxHeadColumns / 2;

// Of one position, both already multiplied by the op's magnitude.
struct RopeTable {
  RopeStyle style;
  int64_t count;
  const float* cosines;
  const float* sines;
};

}  // namespace trireme::cpu
