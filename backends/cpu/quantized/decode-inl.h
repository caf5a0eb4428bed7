// Decoding of packed tiles: the codes of one step and the scales of one group, for the rows of one vector.
#include "backends/cpu/quantized/dot4-inl.h"
#include "backends/cpu/quantized/tile_layout.h"

#if defined(TRIREME_CPU_QUANTIZED_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_QUANTIZED_DECODE_INL_H_
#undef TRIREME_CPU_QUANTIZED_DECODE_INL_H_
#else
#define TRIREME_CPU_QUANTIZED_DECODE_INL_H_
#endif

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

constexpr int kLanes = int(hn::MaxLanes(D32()));
constexpr int kParts = kTileRows / kLanes;  // vectors that a tile's rows take

// What the dot products of a codec see.
constexpr int largest_code(const CodecRecord& record) {
  if (record.table == CodeTable::kMxfp4) return 24;
  if (record.table == CodeTable::kIq4Nl || record.bits == 8) return 255;
  if (record.table == CodeTable::kOwn) return kMaxSpread;
  return (1 << record.bits) - 1;
}
constexpr int dot_offset(const CodecRecord& record) {
  if (record.table == CodeTable::kMxfp4) return 12;
  if (largest_code(record) == 255) return kDotOfUnsigned ? 128 : 0;
  return record.offset;
}
constexpr bool has_offset(const CodecRecord& record) { return record.has_own_table() || dot_offset(record) != 0; }

template <int kBits, int kFrom, int kTo>
HWY_INLINE V8 move_field(V8 v) {  // bits [kFrom, kFrom + kBits) of each byte, moved to kTo
  constexpr auto kMask = uint8_t(((1 << kBits) - 1) << kTo);
  const hn::Repartition<uint16_t, D8> d16;
  const D8 d8;
  if constexpr (kFrom > kTo) v = hn::BitCast(d8, hn::ShiftRight<kFrom - kTo>(hn::BitCast(d16, v)));
  if constexpr (kFrom < kTo) v = hn::BitCast(d8, hn::ShiftLeft<kTo - kFrom>(hn::BitCast(d16, v)));
  return hn::And(v, hn::Set(d8, kMask));
}

// The codes of `step` (0..7) of group `group` (of 32) of a block, for the rows of vector `part`. `values` is the
// weight's own table, less its first value.
template <Codec kCodec, int kStep>
HWY_INLINE V8 decode_codes(const uint8_t* block, [[maybe_unused]] const int8_t* values, int group, int part) {
  constexpr CodecRecord kRecord = codec_record(kCodec);
  constexpr int kLow = kRecord.low_bits(), kHigh = kRecord.high_bits();
  constexpr int kLowSteps = 8 / kLow;
  const D8 d8;
  const uint8_t* rows = block + part * 4 * kLanes;
  const V8 slab = hn::Load(d8, rows + kRecord.low_at() + size_t(group * kLow + kStep / kLowSteps) * kSlabBytes);
  if constexpr (kLow == 8) {
    if constexpr (kDotOfUnsigned) return slab;
    return hn::Xor(slab, hn::Set(d8, 0x80));
  } else {
    V8 codes = move_field<kLow, kLow*(kStep % kLowSteps), 0>(slab);
    if constexpr (kRecord.table == CodeTable::kOwn) {
      codes = hn::TableLookupBytes(hn::LoadDup128(d8, reinterpret_cast<const uint8_t*>(values)), codes);
    } else if constexpr (kRecord.table == CodeTable::kIq4Nl || kRecord.table == CodeTable::kMxfp4) {
      constexpr int8_t kBias = int8_t(dot_offset(kRecord));
      constexpr auto kValues = kRecord.table == CodeTable::kIq4Nl ? kIq4NlValues : kMxfp4Values;
      HWY_ALIGN static constexpr uint8_t kTable[16] = {
          uint8_t(kValues[0] + kBias),  uint8_t(kValues[1] + kBias),  uint8_t(kValues[2] + kBias),
          uint8_t(kValues[3] + kBias),  uint8_t(kValues[4] + kBias),  uint8_t(kValues[5] + kBias),
          uint8_t(kValues[6] + kBias),  uint8_t(kValues[7] + kBias),  uint8_t(kValues[8] + kBias),
          uint8_t(kValues[9] + kBias),  uint8_t(kValues[10] + kBias), uint8_t(kValues[11] + kBias),
          uint8_t(kValues[12] + kBias), uint8_t(kValues[13] + kBias), uint8_t(kValues[14] + kBias),
          uint8_t(kValues[15] + kBias)};
      codes = hn::TableLookupBytes(hn::LoadDup128(d8, kTable), codes);
    }
    if constexpr (kHigh > 0) {
      constexpr int kHighSteps = 8 / kHigh;
      const V8 high = hn::Load(d8, rows + kRecord.high_at() + size_t(group * kHigh + kStep / kHighSteps) * kSlabBytes);
      codes = hn::Or(codes, move_field<kHigh, kHigh*(kStep % kHighSteps), kLow>(high));
    }
    return codes;
  }
}

HWY_INLINE VF load_halves(const uint8_t* halves, int part) {
  const hn::Rebind<hwy::float16_t, DF> d;
  return hn::PromoteTo(DF(), hn::Load(d, reinterpret_cast<const hwy::float16_t*>(halves) + part * kLanes));
}

HWY_INLINE VF load_floats(const uint8_t* floats, int part) {
  return hn::Load(DF(), reinterpret_cast<const float*>(floats) + part * kLanes);
}

template <typename Byte>
HWY_INLINE V32 load_bytes(const uint8_t* bytes, int part) {
  const hn::Rebind<Byte, D32> d;
  return hn::PromoteTo(D32(), hn::Load(d, reinterpret_cast<const Byte*>(bytes) + part * kLanes));
}

// Scale of group `group` (of record.group) of a block.
template <Codec kCodec>
HWY_INLINE VF decode_scale(const uint8_t* block, int group, int part) {
  constexpr CodecRecord kRecord = codec_record(kCodec);
  const uint8_t* bytes = block + kRecord.subscales_at() + group * kTileRows;
  if constexpr (kRecord.scale == ScaleKind::kF16) return load_halves(block + group * 32, part);
  if constexpr (kRecord.scale == ScaleKind::kBlockF16) return load_halves(block, part);
  if constexpr (kRecord.scale == ScaleKind::kF32) return load_floats(block + group * 64, part);
  if constexpr (kRecord.scale == ScaleKind::kBlockF32) return load_floats(block, part);
  if constexpr (kRecord.scale == ScaleKind::kE8m0) {
    const D32 d;
    const V32 exponent = load_bytes<uint8_t>(block + group * kTileRows, part);
    const V32 normal = hn::ShiftLeft<23>(hn::Sub(exponent, hn::Set(d, 1)));
    const V32 tiny = hn::IfThenElse(hn::Eq(exponent, hn::Zero(d)), hn::Set(d, 0x00200000), hn::Set(d, 0x00400000));
    return hn::BitCast(DF(), hn::IfThenElse(hn::Gt(exponent, hn::Set(d, 1)), normal, tiny));
  }
  if constexpr (kRecord.scale == ScaleKind::kByte) {
    using Byte = std::conditional_t<kRecord.signed_scale, int8_t, uint8_t>;
    return hn::Mul(load_halves(block, part), hn::ConvertTo(DF(), load_bytes<Byte>(bytes, part)));
  }
  if constexpr (kRecord.scale == ScaleKind::kNibble) {
    const V32 nibbles = hn::And(load_bytes<uint8_t>(bytes, part), hn::Set(D32(), 15));
    return hn::Mul(load_halves(block, part), hn::ConvertTo(DF(), nibbles));
  }
}

// Minimum of group `group`, as it is stored: added (kF16, kF32) or subtracted.
template <Codec kCodec>
HWY_INLINE VF decode_minimum(const uint8_t* block, int group, int part) {
  constexpr CodecRecord kRecord = codec_record(kCodec);
  if constexpr (kRecord.scale == ScaleKind::kF16) {
    return load_halves(block + kRecord.minima_at() + group * 32, part);
  } else if constexpr (kRecord.scale == ScaleKind::kF32) {
    return load_floats(block + kRecord.minima_at() + group * 64, part);
  } else if constexpr (kRecord.scale == ScaleKind::kByte) {
    const V32 bytes = load_bytes<uint8_t>(block + kRecord.minima_at() + group * kTileRows, part);
    return hn::Mul(load_halves(block + 32, part), hn::ConvertTo(DF(), bytes));
  } else {
    const V32 bytes = load_bytes<uint8_t>(block + kRecord.subscales_at() + group * kTileRows, part);
    return hn::Mul(load_halves(block + 32, part), hn::ConvertTo(DF(), hn::ShiftRight<4>(bytes)));
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
