// Loops over f32 arrays by whole vectors, with tails that never touch memory outside the array.
#if defined(TRIREME_CPU_OPS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_VECTORS_INL_H_
#undef TRIREME_CPU_OPS_VECTORS_INL_H_
#else
#define TRIREME_CPU_OPS_VECTORS_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hal/dtype.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using VecF32 = hn::Vec<F32>;
constexpr int64_t kLanes = int64_t(hn::MaxLanes(F32()));

// The first `count` < kLanes elements of x, the other lanes 0.
HWY_INLINE VecF32 load_some(F32 d, const float* x, int64_t count) {
  HWY_ALIGN float lanes[kLanes] = {};
  std::memcpy(lanes, x, size_t(count) * sizeof(float));
  return hn::Load(d, lanes);
}
HWY_INLINE void store_some(F32 d, VecF32 v, float* y, int64_t count) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, d, lanes);
  std::memcpy(y, lanes, size_t(count) * sizeof(float));
}

// y[i] = f(x[i]) for vectors.
template <class F>
HWY_INLINE void transform(int64_t count, const float* x, float* y, const F& f) {
  const F32 d;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i < count) store_some(d, f(load_some(d, x + i, count - i)), y + i, count - i);
}

// y[i] = f(a[i], b[i]) for vectors.
template <class F>
HWY_INLINE void transform(int64_t count, const float* a, const float* b, float* y, const F& f) {
  const F32 d;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(f(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  if (i < count) store_some(d, f(load_some(d, a + i, count - i), load_some(d, b + i, count - i)), y + i, count - i);
}

// F16 to F32, exactly.
HWY_INLINE VecF32 load_f16(F32 d, const uint16_t* x) {
  const hn::Rebind<hwy::float16_t, F32> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(x)));
}
HWY_INLINE VecF32 load_bf16(F32 d, const uint16_t* x) {
  const hn::Rebind<uint16_t, F32> d16;
  const hn::Rebind<uint32_t, F32> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, x))));
}

// F32 to F16, to nearest even.
HWY_INLINE void store_f16(int64_t count, const float* x, uint16_t* y) {
  int64_t i = 0;
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
  // The other targets have no such instruction, and Highway's emulation rounds otherwise.
  const F32 d;
  const hn::Rebind<hwy::float16_t, F32> d16;
  for (; i + kLanes <= count; i += kLanes)
    hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d, x + i)), d16, reinterpret_cast<hwy::float16_t*>(y + i));
#endif
  for (; i < count; ++i) y[i] = f32_to_f16(x[i]);
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_VECTORS_INL_H_
