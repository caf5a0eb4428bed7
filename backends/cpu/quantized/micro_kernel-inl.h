// The one micro kernel, instantiated for each codec and width.
#include <type_traits>
#include <utility>

// The includes below repeat for each target.
#include "backends/cpu/quantized/targets.h"
#include "hwy/highway.h"
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
#include "backends/cpu/quantized/tile_layout.h"
#undef TRIREME_BEFORE_NAMESPACE
#define TRIREME_BEFORE_NAMESPACE() HWY_BEFORE_NAMESPACE()
#else
#include "backends/cpu/quantized/decode-inl.h"
#endif
#include "backends/cpu/quantized/micro_kernel.h"

#if defined(TRIREME_CPU_QUANTIZED_MICRO_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_QUANTIZED_MICRO_KERNEL_INL_H_
#undef TRIREME_CPU_QUANTIZED_MICRO_KERNEL_INL_H_
#else
#define TRIREME_CPU_QUANTIZED_MICRO_KERNEL_INL_H_
#endif

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// For machines without vectors that Highway knows: the same sums from the layout's plain accessors, one column wide.
template <Codec kCodec>
void run_plain_kernel(const std::byte* tile, int64_t groups, const Panel& panel, float* output) {
  constexpr const CodecRecord& kRecord = codec_record(kCodec);
  constexpr int kSubgroups = kActGroup / kRecord.group;
  for (int row = 0; row < kTileRows; ++row) {
    float sum = 0;
    for (int64_t at = 0; at < groups * kSubgroups; ++at) {
      const std::byte* block = tile + size_t(at / kRecord.groups()) * kRecord.block_bytes();
      const int group = int(at % kRecord.groups());
      int32_t products = 0;
      for (int i = 0; i < kRecord.group; ++i)
        products += read_code(kRecord, block, row, group * kRecord.group + i) * panel.codes[at * kRecord.group + i];
      const auto [scale, minimum] = read_scale(kRecord, block, row, group);
      sum += float(products) * (scale * panel.scales[at / kSubgroups]);
      if (kRecord.has_minimum) sum += minimum * panel.sums[at];
    }
    output[row] = sum;
  }
}

template <Codec kCodec>
MicroKernel micro_kernel_of() {
  return {hwy::TargetName(HWY_TARGET), 0, {run_plain_kernel<kCodec>, nullptr, nullptr}};
}

#else

// Calls body(integral_constant<0>) .. body(integral_constant<kCount - 1>), so that indices of register arrays are
// constants before the compiler decides what lives in registers.
template <int kCount, typename Body, int... kIndex>
HWY_INLINE void unroll_indices(std::integer_sequence<int, kIndex...>, const Body& body) {
  (body(std::integral_constant<int, kIndex>()), ...);
}
template <int kCount, typename Body>
HWY_INLINE void unroll(const Body& body) {
  unroll_indices<kCount>(std::make_integer_sequence<int, kCount>(), body);
}

// Vectors of rows that are worked on at once: what the register file holds of sums for kWidth columns.
constexpr int parts_at_once() { return kParts == 1 ? 1 : 2; }

HWY_INLINE V8 broadcast4(const int8_t* codes) {
  int32_t word = 0;
  __builtin_memcpy(&word, codes, 4);
  return hn::BitCast(D8(), hn::Set(D32(), word));
}

// Adds one group of 32 to sums[part][column]; `block` holds it as its group `group`.
template <Codec kCodec, int kWidth, int kVectors>
HWY_INLINE void add_group(const uint8_t* block, int group, int first_part, const Panel& panel, int64_t index,
                          VF (&sums)[kVectors][kWidth]) {
  constexpr CodecRecord kRecord = codec_record(kCodec);
  constexpr int kSubgroups = kActGroup / kRecord.group;
  constexpr int kSteps = 8 / kSubgroups;
  using Dot = Dot4<largest_code(kRecord)>;
  const D32 d32;
  const DF df;
  const int8_t* codes = panel.codes + index * (kActGroup * kWidth);
  const float* scales = panel.scales + index * kWidth;

  unroll<kSubgroups>([&](auto subgroup) TRIREME_INLINE_LAMBDA {
    const int64_t at = index * kSubgroups + subgroup;
    typename Dot::Sum products[kVectors][kWidth];
    unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
      V32 start = hn::Zero(d32);
      if constexpr (dot_offset(kRecord) != 0) start = hn::Set(d32, panel.offsets[at * kWidth + column]);
      unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA { products[part][column] = Dot::begin(start); });
    });
    unroll<kSteps>([&](auto step) TRIREME_INLINE_LAMBDA {
      constexpr int kStep = subgroup * kSteps + step;
      typename Dot::Weight weights[kVectors];
      unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA {
        weights[part] = Dot::weight(decode_codes<kCodec, kStep>(block, group, first_part + part));
      });
      unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
        const V8 activations = broadcast4(codes + column * kActGroup + 4 * kStep);
        unroll<kVectors>([&](auto part)
                             TRIREME_INLINE_LAMBDA { Dot::add(products[part][column], weights[part], activations); });
      });
      if constexpr ((step + 1) % Dot::kStepsAFlush == 0 || step + 1 == kSteps)
        unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
          unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA { Dot::flush(products[part][column]); });
        });
    });
    unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA {
      const VF scale = decode_scale<kCodec>(block, group * kSubgroups + subgroup, first_part + part);
      unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
        const VF factor = hn::Mul(scale, hn::Set(df, scales[column]));
        sums[part][column] = hn::MulAdd(hn::ConvertTo(df, products[part][column].lanes), factor, sums[part][column]);
      });
      if constexpr (kRecord.has_minimum) {
        const VF minimum = decode_minimum<kCodec>(block, group * kSubgroups + subgroup, first_part + part);
        unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
          const VF sum = hn::Set(df, panel.sums[at * kWidth + column]);
          sums[part][column] = kRecord.scale == ScaleKind::kF16 ? hn::MulAdd(minimum, sum, sums[part][column])
                                                                : hn::NegMulAdd(minimum, sum, sums[part][column]);
        });
      }
    });
  });
}

template <Codec kCodec, int kWidth>
HWY_NOINLINE void run_micro_kernel(const std::byte* tile, int64_t groups, const Panel& panel, float* output) {
  constexpr CodecRecord kRecord = codec_record(kCodec);
  constexpr int kGroupsABlock = kRecord.block / kActGroup;
  constexpr int kVectors = parts_at_once();
  for (int first_part = 0; first_part < kParts; first_part += kVectors) {
    VF sums[kVectors][kWidth];
    unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA {
      unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA { sums[part][column] = hn::Zero(DF()); });
    });
    const auto* block = reinterpret_cast<const uint8_t*>(tile);
    for (int64_t first = 0; first < groups; first += kGroupsABlock, block += kRecord.block_bytes()) {
      const int count = int(HWY_MIN(int64_t(kGroupsABlock), groups - first));
      for (int group = 0; group < count; ++group)
        add_group<kCodec, kWidth, kVectors>(block, group, first_part, panel, first + group, sums);
    }
    unroll<kVectors>([&](auto part) TRIREME_INLINE_LAMBDA {
      unroll<kWidth>([&](auto column) TRIREME_INLINE_LAMBDA {
        hn::StoreU(sums[part][column], DF(), output + column * kTileRows + (first_part + part) * kLanes);
      });
    });
  }
}

template <Codec kCodec>
MicroKernel micro_kernel_of() {
  MicroKernel kernel{hwy::TargetName(HWY_TARGET), dot_offset(codec_record(kCodec)),
                     {run_micro_kernel<kCodec, 1>, run_micro_kernel<kCodec, 4>, nullptr}};
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3
  kernel.by_width[2] = run_micro_kernel<kCodec, kMaxWidth>;
#endif
  return kernel;
}

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
