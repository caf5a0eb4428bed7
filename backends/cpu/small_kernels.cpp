// The kernels of few lines, as one unit: to read Highway's headers for every target costs more than to compile these.
#include "backends/cpu/ops/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/small_kernels.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "backends/cpu/features.cpp"
#include "backends/cpu/ops/elementwise.cpp"
#include "backends/cpu/ops/norm.cpp"
#include "backends/cpu/ops/reduce.cpp"
#include "backends/cpu/ops/rope.cpp"
#include "backends/cpu/speed.cpp"
