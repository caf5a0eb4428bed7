// Vectorised elementary functions, per target. Include after HWY_TARGET_INCLUDE is set up, inside no namespace.
#if defined(TRIREME_CPU_OPS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_MATH_INL_H_
#undef TRIREME_CPU_OPS_MATH_INL_H_
#else
#define TRIREME_CPU_OPS_MATH_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "hal/ops.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// e^r - 1 for |r| <= ln(2) / 2 to 0.6 ulp: the Taylor series, whose first missing term is below 0.1 ulp.
template <class D, class V>
HWY_INLINE V expm1_reduced(D d, V r) {
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  return hn::MulAdd(hn::Mul(p, r), r, r);
}

// x = n ln(2) + r with |r| <= ln(2) / 2. ln(2) is split so that n * high is exact for |n| < 2^11.
template <class D, class V>
HWY_INLINE V reduce_by_ln2(D d, V x, V& n) {
  n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62ep-1f), x);
  return hn::NegMulAdd(n, hn::Set(d, 0x1.0bfbe8p-15f), r);
}

template <class D, class V>
HWY_INLINE V power_of_two(D d, V n) {
  const hn::Rebind<int32_t, D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127))));
}

// e^x to 1 ulp where the result is normal; below about -87.3 it fades to 0, above 88.8 it is infinite. NaN stays NaN.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  const V clamped = hn::Min(hn::Max(x, hn::Set(d, -104.0f)), hn::Set(d, 89.0f));
  V n;
  const V q = expm1_reduced(d, reduce_by_ln2(d, clamped, n));
  // Two factors, as 2^n itself may be out of range.
  const V half = hn::Floor(hn::Mul(n, hn::Set(d, 0.5f)));
  const V y = hn::Mul(hn::Add(q, hn::Set(d, 1.0f)), power_of_two(d, half));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Mul(y, power_of_two(d, hn::Sub(n, half))));
}

// e^x - 1 for |x| <= 60, to 2 ulp.
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  V n;
  const V q = expm1_reduced(d, reduce_by_ln2(d, x, n));
  const V scale = power_of_two(d, n);
  return hn::MulAdd(q, scale, hn::Sub(scale, hn::Set(d, 1.0f)));
}

// 1 / (1 + e^-x), to 2 ulp.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

// Through expm1, so that small x keep their relative precision; to 3 ulp.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 20.0f));
  const V e = expm1(d, hn::Add(magnitude, magnitude));
  const V y = hn::CopySignToAbs(hn::Div(e, hn::Add(e, hn::Set(d, 2.0f))), x);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V>
HWY_INLINE V silu(D d, V x) {
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), exp(d, hn::Neg(x))));
}

// x / 2 * (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3).  Source: arXiv 1606.08415.
template <class D, class V>
HWY_INLINE V gelu_tanh(D d, V x) {
  const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f * 1.5957691216f), hn::Set(d, 1.5957691216f));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), exp(d, hn::Neg(hn::Mul(x, cubic)))));
}

// x * Phi(x), with Phi(-|x|) = e^(-x^2 / 2) g(|x|) / 2. g(z) = t P(t), t = 1 / (1 + z / 2), is a least-maximum fit to
// erfc's scaled form on [0, 10] with relative error 2^-25.
template <class D, class V>
HWY_INLINE V gelu_erf(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V magnitude = hn::Min(hn::Abs(x), hn::Set(d, 14.0f));
  const V t = hn::Div(one, hn::MulAdd(magnitude, hn::Set(d, 0.35355339059f), one));
  const V u = hn::MulSub(t, hn::Set(d, 2.4f), hn::Set(d, 1.4f));
  constexpr float kFit[] = {5.720119827e-01f,  3.262224354e-01f, 1.020293803e-01f, 5.963722308e-03f, -6.150604480e-03f,
                            -6.229866122e-04f, 5.855918237e-04f, 9.193752863e-06f, -5.338524756e-05f};
  V p = hn::Set(d, 4.650463842e-06f);
  for (int i = 8; i >= 0; --i) p = hn::MulAdd(p, u, hn::Set(d, kFit[i]));
  const V half_x = hn::Mul(magnitude, hn::Set(d, 0.5f));
  const V square = hn::Mul(half_x, magnitude);
  const V lost = hn::MulSub(half_x, magnitude, square);  // with FMA, what the square was rounded by
  const V tail = hn::Mul(hn::Mul(hn::Mul(t, p), exp(d, hn::Neg(square))), hn::Set(d, 0.5f));
  const V below = hn::NegMulAdd(tail, lost, tail);
  return hn::Mul(x, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, hn::Sub(one, below)));
}

template <Activation kActivation, class D, class V>
HWY_INLINE V activate(D d, V x) {
  if constexpr (kActivation == Activation::kSilu) return silu(d, x);
  if constexpr (kActivation == Activation::kGeluTanh) return gelu_tanh(d, x);
  if constexpr (kActivation == Activation::kGeluErf) return gelu_erf(d, x);
  if constexpr (kActivation == Activation::kRelu) return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
  if constexpr (kActivation == Activation::kReluSquared) {
    const V y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
    return hn::Mul(y, y);
  }
  if constexpr (kActivation == Activation::kSigmoid) return sigmoid(d, x);
  if constexpr (kActivation == Activation::kTanh) return tanh(d, x);
}

// Calls body with the activation as a compile-time constant: body(std::integral_constant<Activation, ..>).
template <class Body>
HWY_INLINE void with_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::kSilu: return body(std::integral_constant<Activation, Activation::kSilu>());
    case Activation::kGeluTanh: return body(std::integral_constant<Activation, Activation::kGeluTanh>());
    case Activation::kGeluErf: return body(std::integral_constant<Activation, Activation::kGeluErf>());
    case Activation::kRelu: return body(std::integral_constant<Activation, Activation::kRelu>());
    case Activation::kReluSquared: return body(std::integral_constant<Activation, Activation::kReluSquared>());
    case Activation::kSigmoid: return body(std::integral_constant<Activation, Activation::kSigmoid>());
    case Activation::kTanh: return body(std::integral_constant<Activation, Activation::kTanh>());
  }
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_MATH_INL_H_
