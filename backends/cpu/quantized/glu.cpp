#include "backends/cpu/ops/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/quantized/glu.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/quantize-inl.h"
#include "backends/cpu/quantized/glu.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace ops = trireme::cpu::HWY_NAMESPACE;

template <Activation kActivation>
void activate_and_multiply_as(const float* gate, const float* up, int64_t count, float* y) {
  const hn::CappedTag<float, 16> d;
  for (int64_t i = 0; i < count; i += int64_t(hn::MaxLanes(d)))
    hn::Store(hn::Mul(ops::activate<kActivation>(d, hn::Load(d, gate + i)), hn::Load(d, up + i)), d, y + i);
}

void activate_and_multiply_here(Activation activation, const float* gate, const float* up, int64_t count, float* y) {
  ops::with_activation(activation, [&](auto constant) { activate_and_multiply_as<constant>(gate, up, count, y); });
}

void quantize_group_here(const float* x, int8_t* codes, float& scale, int32_t& sum) {
  ops::quantize_group(x, codes, scale, sum);
}

}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trireme::cpu::quantized {
HWY_EXPORT(activate_and_multiply_here);
HWY_EXPORT(quantize_group_here);

void activate_and_multiply(Activation activation, const float* gate, const float* up, int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(activate_and_multiply_here)(activation, gate, up, count, y);
}

void quantize_q8_group(const float* x, int8_t* codes, float& scale, int32_t& sum) {
  HWY_DYNAMIC_DISPATCH(quantize_group_here)(x, codes, scale, sum);
}

}  // namespace trireme::cpu::quantized
#endif
