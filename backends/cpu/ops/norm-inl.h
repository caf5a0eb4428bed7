// RMS norm of one row, per target: shared by the norms and by RopeStore.
#if defined(TRIREME_CPU_OPS_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_NORM_INL_H_
#undef TRIREME_CPU_OPS_NORM_INL_H_
#else
#define TRIREME_CPU_OPS_NORM_INL_H_
#endif

#include <cmath>

#include "backends/cpu/ops/vectors-inl.h"
#include "hal/ops.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

// Sums f(vector at i) squared over the row, in two chains. f(i, count) gives the lanes at i, the missing ones 0.
template <class F>
HWY_INLINE float sum_squares(int64_t columns, const F& f) {
  const F32 d;
  auto even = hn::Zero(d), odd = hn::Zero(d);
  int64_t i = 0;
  for (; i + 2 * kLanes <= columns; i += 2 * kLanes) {
    const auto a = f(i, kLanes), b = f(i + kLanes, kLanes);
    even = hn::MulAdd(a, a, even);
    odd = hn::MulAdd(b, b, odd);
  }
  for (; i < columns; i += kLanes) {
    const auto a = f(i, std::min(kLanes, columns - i));
    even = hn::MulAdd(a, a, even);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
}

HWY_INLINE VecF32 load_upto(const float* x, int64_t count) {
  return count == kLanes ? hn::LoadU(F32(), x) : load_some(F32(), x, count);
}

HWY_INLINE float sum_of_squares(const float* x, int64_t columns) {
  return sum_squares(columns, [&](int64_t i, int64_t count) HWY_ATTR { return load_upto(x + i, count); });
}

// Also writes sum = x + residual.
HWY_INLINE float sum_of_squares_of_sum(const float* x, const float* residual, float* sum, int64_t columns) {
  const F32 d;
  return sum_squares(columns, [&](int64_t i, int64_t count) HWY_ATTR {
    const auto v = hn::Add(load_upto(x + i, count), load_upto(residual + i, count));
    if (count == kLanes)
      hn::StoreU(v, d, sum + i);
    else
      store_some(d, v, sum + i, count);
    return v;
  });
}

HWY_INLINE float norm_factor(const RmsNorm& op, float squares, int64_t columns) {
  return float(1.0 / std::sqrt(double(squares) / double(columns) + double(op.epsilon)));
}

// y = x * factor * (offset + weight).
HWY_INLINE void apply_norm(float factor, float offset, const float* x, const float* weight, float* y, int64_t columns) {
  const F32 d;
  const auto f = hn::Set(d, factor), o = hn::Set(d, offset);
  transform(columns, x, weight, y, [&](auto v, auto w) HWY_ATTR { return hn::Mul(hn::Mul(v, f), hn::Add(o, w)); });
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_NORM_INL_H_
