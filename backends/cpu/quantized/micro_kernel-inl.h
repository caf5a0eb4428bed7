// The one micro kernel, instantiated for each codec and width.
#include <array>
#include <type_traits>
#include <utility>

#include "hwy/cache_control.h"

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
void run_plain_kernel(const Tile& tile, int64_t groups, const Panel& panel, float* output) {
  constexpr const CodecRecord& kRecord = codec_record(kCodec);
  constexpr int kSubgroups = kActGroup / kRecord.group, kActGroups = kRecord.block / kActGroup;
  std::array<int16_t, kActGroup> integers;
  for (int row = 0; row < kTileRows; ++row) {
    float sum = 0;
    for (int64_t group = 0; group < groups; ++group) {
      const std::byte* block = tile.data + size_t(group / kActGroups) * kRecord.block_bytes();
      const int within = int(group % kActGroups);
      read_codes(kRecord, tile.values, block, row, within, integers.data());
      float value = 0;
      for (int subgroup = 0; subgroup < kSubgroups; ++subgroup) {
        int32_t products = 0;
        for (int i = subgroup * kRecord.group; i < (subgroup + 1) * kRecord.group; ++i)
          products += integers[size_t(i)] * panel.codes[group * kActGroup + i];
        const auto [scale, minimum] = read_scale(kRecord, block, row, within * kSubgroups + subgroup);
        value += float(products) * scale;
        if (kRecord.has_minimum) value += minimum * panel.sums[group * kSubgroups + subgroup];
      }
      sum += value * panel.scales[group];
    }
    output[row] = sum;
  }
}

template <Codec kCodec>
MicroKernel micro_kernel_of() {
  return {hwy::TargetName(HWY_TARGET), {}, {run_plain_kernel<kCodec>, nullptr, nullptr}};
}

#else

// Loops over arrays of registers: unrolled whole, so that the compiler sees constant indices.
#define TRIREME_UNROLL _Pragma("GCC unroll 16")

// Vectors of rows that are worked on at once: as many sums as the register file holds.
constexpr int kVectors = kParts == 1 ? 1 : 2;
// Whether the f32 sums stay in registers too; else they live in the output.
constexpr bool kSumsInRegisters = kParts == 1;

// Bytes of weights between those that are multiplied and those that are fetched. Processors that look ahead by
// themselves do so within a page and anew for each tile, and wait for memory half of the time.
constexpr size_t kPrefetchDistance = 4096;

// Of kBytes bytes; they may lie behind the last.
template <size_t kBytes>
HWY_INLINE void prefetch_behind(const uint8_t* weights) {
  TRIREME_UNROLL for (size_t line = 0; line < kBytes; line += 64) hwy::Prefetch(weights + kPrefetchDistance + line);
}

HWY_INLINE V8 broadcast4(const int8_t* codes) {
  int32_t word = 0;
  __builtin_memcpy(&word, codes, 4);
  return hn::BitCast(D8(), hn::Set(D32(), word));
}

// The work on one group of 32 of a block, for the rows of kVectors vectors and kWidth columns.
template <Codec kCodec, int kWidth>
struct Group {
  static constexpr CodecRecord kRecord = codec_record(kCodec);
  static constexpr int kSubgroups = kActGroup / kRecord.group;
  static constexpr int kSteps = kRecord.group / 4;  // of a subgroup
  static constexpr bool kHasOffset = has_offset(kRecord);
  using Dot = Dot4<largest_code(kRecord)>;
  using Sums = typename Dot::Sum[kVectors][kWidth];
  using Values = VF[kVectors][kWidth];

  const uint8_t* block;
  const int8_t* table;
  int group;
  int first_part;
  const int8_t* codes;  // of the panel, at this group
  const int32_t* offsets;
  const float* code_sums;

  // Adds the products of step kStep of subgroup kSubgroup.
  template <int kSubgroup, int kStep>
  HWY_INLINE void add_step(Sums& sums) const {
    typename Dot::Weight weights[kVectors];
    TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
      weights[part] =
          Dot::weight(decode_codes<kCodec, kSubgroup * kSteps + kStep>(block, table, group, first_part + part));
    }
    TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
      const V8 activations = broadcast4(codes + column * kActGroup + 4 * (kSubgroup * kSteps + kStep));
      TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
        Dot::add(sums[part][column], weights[part], activations);
      }
    }
    if constexpr ((kStep + 1) % Dot::kStepsAFlush == 0 || kStep + 1 == kSteps) {
      TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
        TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) Dot::flush(sums[part][column]);
      }
    }
  }

  template <int kSubgroup, int... kStep>
  HWY_INLINE void add_steps(Sums& sums, std::integer_sequence<int, kStep...>) const {
    (add_step<kSubgroup, kStep>(sums), ...);
  }

  HWY_INLINE V32 start(int at) const { return kHasOffset ? hn::Set(D32(), offsets[at]) : hn::Zero(D32()); }

  // values = scale * integer sum + minimum * activation sum, over the subgroups in order: what the group adds to the
  // result, but for the activations' scale.
  template <int kSubgroup>
  HWY_INLINE void add_subgroup(Values& values) const {
    const DF df;
    Sums sums;
    TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
      const V32 first = Dot::kStartsFirst ? start(kSubgroup * kWidth + column) : hn::Zero(D32());
      TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) sums[part][column] = Dot::begin(first);
    }
    add_steps<kSubgroup>(sums, std::make_integer_sequence<int, kSteps>());
    TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
      const VF scale = decode_scale<kCodec>(block, group * kSubgroups + kSubgroup, first_part + part);
      TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
        V32 lanes = sums[part][column].lanes;
        if constexpr (!Dot::kStartsFirst && kHasOffset) lanes = hn::Add(lanes, start(kSubgroup * kWidth + column));
        VF& value = values[part][column];
        value = kSubgroup == 0 ? hn::Mul(hn::ConvertTo(df, lanes), scale)
                               : hn::MulAdd(hn::ConvertTo(df, lanes), scale, value);
      }
      if constexpr (kRecord.has_minimum) {
        const VF minimum = decode_minimum<kCodec>(block, group * kSubgroups + kSubgroup, first_part + part);
        TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
          const VF sum = hn::Set(df, code_sums[kSubgroup * kWidth + column]);
          VF& value = values[part][column];
          value = kRecord.scale == ScaleKind::kF16 || kRecord.scale == ScaleKind::kF32
                      ? hn::MulAdd(minimum, sum, value)
                      : hn::NegMulAdd(minimum, sum, value);
        }
      }
    }
  }
};

template <Codec kCodec, int kWidth>
HWY_NOINLINE void run_micro_kernel(const Tile& tile, int64_t groups, const Panel& panel, float* output) {
  using Work = Group<kCodec, kWidth>;
  constexpr int kGroupsABlock = Work::kRecord.block / kActGroup;
  const DF df;
  for (int first_part = 0; first_part < kParts; first_part += kVectors) {
    float* target = output + first_part * kLanes;
    typename Work::Values sums;
    TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
      TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
        sums[part][column] = hn::Zero(df);
        if (!kSumsInRegisters) hn::StoreU(hn::Zero(df), df, target + column * kSumsStride + part * kLanes);
      }
    }
    for (int64_t index = 0; index < groups; ++index) {
      const auto* block =
          reinterpret_cast<const uint8_t*>(tile.data) + index / kGroupsABlock * int64_t(Work::kRecord.block_bytes());
      constexpr size_t kGroupBytes = Work::kRecord.block_bytes() / kGroupsABlock;
      prefetch_behind<kGroupBytes>(block + size_t(index % kGroupsABlock) * kGroupBytes);
      const Work work{block,
                      tile.values.data(),
                      int(index % kGroupsABlock),
                      first_part,
                      panel.codes + index * kActGroup * kWidth,
                      panel.offsets + index * Work::kSubgroups * kWidth,
                      panel.sums + index * Work::kSubgroups * kWidth};
      typename Work::Values values;
      work.template add_subgroup<0>(values);
      if constexpr (Work::kSubgroups == 2) work.template add_subgroup<1>(values);
      TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
        const VF scale = hn::Set(df, panel.scales[index * kWidth + column]);
        TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
          if constexpr (kSumsInRegisters) {
            sums[part][column] = hn::MulAdd(values[part][column], scale, sums[part][column]);
          } else {
            float* sum = target + column * kSumsStride + part * kLanes;
            hn::StoreU(hn::MulAdd(values[part][column], scale, hn::LoadU(df, sum)), df, sum);
          }
        }
      }
    }
    if constexpr (kSumsInRegisters) {
      TRIREME_UNROLL for (int column = 0; column < kWidth; ++column) {
        TRIREME_UNROLL for (int part = 0; part < kVectors; ++part) {
          hn::StoreU(sums[part][column], df, target + column * kSumsStride + part * kLanes);
        }
      }
    }
  }
}

template <Codec kCodec>
MicroKernel micro_kernel_of() {
  MicroKernel kernel{hwy::TargetName(HWY_TARGET),
                     {has_offset(codec_record(kCodec)), dot_offset(codec_record(kCodec))},
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
