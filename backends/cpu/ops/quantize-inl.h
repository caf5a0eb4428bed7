// Activations to Q8_ACT (hal/ops.h, QuantizeQ8), bit-identical on every target.
#if defined(TRIREME_CPU_OPS_QUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_QUANTIZE_INL_H_
#undef TRIREME_CPU_OPS_QUANTIZE_INL_H_
#else
#define TRIREME_CPU_OPS_QUANTIZE_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One group of 32 of x. A NaN counts as 0, also in the maximum.
HWY_INLINE void quantize_group(const float* x, int8_t* codes, float& scale, int32_t& sum) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> d8;
  constexpr size_t kStep = hn::MaxLanes(d);
  auto largest = hn::Zero(d);
  for (size_t i = 0; i < 32; i += kStep) {
    const auto magnitude = hn::Abs(hn::LoadU(d, x + i));
    largest = hn::IfThenElse(hn::Gt(magnitude, largest), magnitude, largest);
  }
  scale = hn::GetLane(hn::MaxOfLanes(d, largest)) / 127.0f;
  const auto divisor = hn::Set(d, scale);
  // A subnormal scale may be rounded so far that a quotient passes 127.
  const auto limit = hn::Set(d, 127.0f);
  auto sums = hn::Zero(di);
  for (size_t i = 0; i < 32; i += kStep) {
    const auto quotient = hn::Div(hn::LoadU(d, x + i), divisor);
    const auto bounded = hn::Min(hn::Max(quotient, hn::Neg(limit)), limit);
    const auto code = hn::NearestInt(hn::IfThenElseZero(hn::Eq(quotient, quotient), bounded));
    const auto kept = scale == 0.0f ? hn::Zero(di) : code;
    hn::StoreU(hn::DemoteTo(d8, kept), d8, codes + i);
    sums = hn::Add(sums, kept);
  }
  sum = hn::GetLane(hn::SumOfLanes(di, sums));
}

// Where the parts of a Q8_ACT row of `columns` lie.
HWY_INLINE float* q8_scales(std::byte* row, int64_t columns) { return reinterpret_cast<float*>(row + columns); }
HWY_INLINE int32_t* q8_sums(std::byte* row, int64_t columns) {
  return reinterpret_cast<int32_t*>(row + columns + columns / 32 * 4);
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_QUANTIZE_INL_H_
