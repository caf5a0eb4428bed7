// dot4: adds to every int32 lane the sum of four products of bytes, weights times activations, exactly.
#include "backends/cpu/quantized/targets.h"
#include "hwy/highway.h"

#if defined(TRIREME_CPU_QUANTIZED_DOT4_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_QUANTIZED_DOT4_INL_H_
#undef TRIREME_CPU_QUANTIZED_DOT4_INL_H_
#else
#define TRIREME_CPU_QUANTIZED_DOT4_INL_H_
#endif

// Highway's AVX3_DL requires AVX-512 VNNI of the machine, but does not let the compiler use it.
#undef TRIREME_TARGET_STR
#if HWY_TARGET == HWY_AVX3_DL
#define TRIREME_TARGET_STR HWY_TARGET_STR ",avx512vnni"
#elif defined(HWY_TARGET_STR)
#define TRIREME_TARGET_STR HWY_TARGET_STR
#endif

#undef TRIREME_BEFORE_NAMESPACE
#undef TRIREME_INLINE_LAMBDA
#ifdef TRIREME_TARGET_STR
#define TRIREME_BEFORE_NAMESPACE() HWY_PUSH_ATTRIBUTES(TRIREME_TARGET_STR) static_assert(true)
#else
#define TRIREME_BEFORE_NAMESPACE() HWY_BEFORE_NAMESPACE()
#endif
#if HWY_COMPILER_CLANG && defined(TRIREME_TARGET_STR)
#define TRIREME_INLINE_LAMBDA __attribute__((always_inline, target(TRIREME_TARGET_STR)))
#else
#define TRIREME_INLINE_LAMBDA __attribute__((always_inline))
#endif

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::CappedTag<int32_t, 16>;
using DF = hn::Repartition<float, D32>;
using D16 = hn::Repartition<int16_t, D32>;
using D8 = hn::Repartition<uint8_t, D32>;
using V32 = hn::VFromD<D32>;
using VF = hn::VFromD<DF>;
using V16 = hn::VFromD<D16>;
using V8 = hn::VFromD<D8>;

#if HWY_TARGET == HWY_AVX3_DL
constexpr bool kDotOfUnsigned = true;  // wide codes are unsigned with an offset of 128; else they are signed

template <int kMaxCode>
struct Dot4 {
  static constexpr int kStepsAFlush = 64;
  static constexpr bool kStartsFirst = true;
  struct Weight {
    V8 codes;
  };
  struct Sum {
    V32 lanes;
  };
  static HWY_INLINE Weight weight(V8 codes) { return {codes}; }
  static HWY_INLINE Sum begin(V32 start) { return {start}; }
  static HWY_INLINE void add(Sum& sum, const Weight& weight, V8 activations) {
    sum.lanes = V32{_mm512_dpbusd_epi32(sum.lanes.raw, weight.codes.raw, activations.raw)};
  }
  static HWY_INLINE void flush(Sum&) {}
};

#else
constexpr bool kDotOfUnsigned = false;

// The instruction set's own steps: pairs() multiplies bytes and adds neighbours to int16, widen() adds neighbouring
// int16 to int32.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE V16 pairs(V8 codes, V8 activations) { return V16{_mm512_maddubs_epi16(codes.raw, activations.raw)}; }
HWY_INLINE V32 widen(V16 v) { return V32{_mm512_madd_epi16(v.raw, _mm512_set1_epi16(1))}; }
struct SignedWeight {
  __m512i magnitude;
  __mmask64 negative;
};
HWY_INLINE SignedWeight signed_weight(V8 codes) { return {_mm512_abs_epi8(codes.raw), _mm512_movepi8_mask(codes.raw)}; }
HWY_INLINE V16 signed_pairs(const SignedWeight& w, V8 activations) {
  const __m512i flipped = _mm512_mask_sub_epi8(activations.raw, w.negative, _mm512_setzero_si512(), activations.raw);
  return V16{_mm512_maddubs_epi16(w.magnitude, flipped)};
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE V16 pairs(V8 codes, V8 activations) { return V16{_mm256_maddubs_epi16(codes.raw, activations.raw)}; }
HWY_INLINE V32 widen(V16 v) { return V32{_mm256_madd_epi16(v.raw, _mm256_set1_epi16(1))}; }
struct SignedWeight {
  __m256i magnitude, codes;
};
HWY_INLINE SignedWeight signed_weight(V8 codes) { return {_mm256_abs_epi8(codes.raw), codes.raw}; }
HWY_INLINE V16 signed_pairs(const SignedWeight& w, V8 activations) {
  return V16{_mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(activations.raw, w.codes))};
}
#elif HWY_TARGET == HWY_SSE4
HWY_INLINE V16 pairs(V8 codes, V8 activations) { return V16{_mm_maddubs_epi16(codes.raw, activations.raw)}; }
HWY_INLINE V32 widen(V16 v) { return V32{_mm_madd_epi16(v.raw, _mm_set1_epi16(1))}; }
struct SignedWeight {
  __m128i magnitude, codes;
};
HWY_INLINE SignedWeight signed_weight(V8 codes) { return {_mm_abs_epi8(codes.raw), codes.raw}; }
HWY_INLINE V16 signed_pairs(const SignedWeight& w, V8 activations) {
  return V16{_mm_maddubs_epi16(w.magnitude, _mm_sign_epi8(activations.raw, w.codes))};
}
#elif HWY_TARGET == HWY_NEON
HWY_INLINE V16 pairs(V8 codes, V8 activations) {  // codes are at most 127, so that signed multiplies serve
  const int8x16_t w = vreinterpretq_s8_u8(codes.raw), a = vreinterpretq_s8_u8(activations.raw);
  return V16{vpaddq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(a)), vmull_high_s8(w, a))};
}
HWY_INLINE V32 widen(V16 v) { return V32{vpaddlq_s16(v.raw)}; }
using SignedWeight = V8;
HWY_INLINE SignedWeight signed_weight(V8 codes) { return codes; }
HWY_INLINE V16 signed_pairs(const SignedWeight& w, V8 activations) { return pairs(w, activations); }
#endif

template <int kMaxCode>
struct Dot4 {
  // A pair of products is at most 2 * 127 * kMaxCode; as many of them as int16 holds are added before widening.
  static constexpr int kStepsAFlush = 32767 / (2 * 127 * kMaxCode);
  static constexpr bool kStartsFirst = false;  // start values are added last, as registers are short
  struct Weight {
    V8 codes;
  };
  struct Sum {
    V32 lanes;
    V16 narrow;
  };
  static HWY_INLINE Weight weight(V8 codes) { return {codes}; }
  static HWY_INLINE Sum begin(V32 start) { return {start, hn::Zero(D16())}; }
  static HWY_INLINE void add(Sum& sum, const Weight& weight, V8 activations) {
    sum.narrow = hn::Add(sum.narrow, pairs(weight.codes, activations));
  }
  static HWY_INLINE void flush(Sum& sum) {
    sum.lanes = hn::Add(sum.lanes, widen(sum.narrow));
    sum.narrow = hn::Zero(D16());
  }
};

// Signed weight codes of at least -128; activations are at least -127, so that no pair overflows.
template <>
struct Dot4<255> {
  static constexpr int kStepsAFlush = 64;
  static constexpr bool kStartsFirst = true;
  using Weight = SignedWeight;
  struct Sum {
    V32 lanes;
  };
  static HWY_INLINE Weight weight(V8 codes) { return signed_weight(codes); }
  static HWY_INLINE Sum begin(V32 start) { return {start}; }
  static HWY_INLINE void add(Sum& sum, const Weight& weight, V8 activations) {
    sum.lanes = hn::Add(sum.lanes, widen(signed_pairs(weight, activations)));
  }
  static HWY_INLINE void flush(Sum&) {}
};
#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
