// Codec: how integer-coded weights lie in packed tiles, as a record that packing and kernels read. Some codecs keep one
// format's own parts, so that packing is quick and adds hardly a byte; the general ones hold any format.
//
// A tile is 16 rows of W. Along K it is cut into blocks of `block` elements (the last one zero-padded), and a block is
//   scales | minima | code planes, each interleaved by row, so that vector lanes are output rows.
// A plane is made of slabs of 64 bytes: byte 4 * row + i belongs to element 4 * step + i of its group of 32, where
// step runs over 0..7. Eight-bit codes use one slab a step; nibbles put step 2j low and 2j + 1 high into slab j;
// two-bit fields put steps 4j .. 4j + 3 into slab j, one-bit fields all eight steps into one slab, lowest bits first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hal/format.h"

namespace trireme::cpu::quantized {

constexpr int kTileRows = 16;
constexpr int kActGroup = 32;  // activations that share a scale (Q8_ACT)
constexpr int kSlabBytes = 4 * kTileRows;

enum class Codec : uint8_t {
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kIq4Nl,
  kMxfp4,
  kQ2K,
  kQ3K,
  kQ4K,
  kQ5K,
  kQ6K,
  kIq4Xs,
  kTq2_0,
  // General, from the fewest bytes an element to the most.
  kConsecutive2,
  kTable4,
  kTable4Group16,
  kTable4Minimum,
  kByte,
  kByteGroup16,
  kByteGroup16Minimum,
};
constexpr int kCodecs = 21;

// How the scale (and minimum) of a group is stored. All products of parts are exact in f32.
enum class ScaleKind : uint8_t {
  kF16,       // one f16 a group
  kE8m0,      // one power of two a group, for doubled values
  kByte,      // f16 for the block times a signed or unsigned byte a group
  kNibble,    // f16 for the block times the low nibble; its minimum times the high nibble
  kBlockF16,  // one f16 a block
  kF32,       // one f32 a group
  kBlockF32,  // one f32 a block
};

enum class CodeTable : uint8_t {
  kNone,
  kIq4Nl,
  kMxfp4,
  kOwn,          // each weight has its own, in rising order and spread over kMaxSpread at most
  kConsecutive,  // likewise, of whole numbers that follow one another
};
constexpr int kMaxSpread = 127;

// What the codes stand for where each weight has its own table.
using CodeValues = std::array<int8_t, 16>;

// value(element) = scale(group) * (code - offset) + minimum(group), or scale * table[code].
struct CodecRecord {
  std::string_view format;  // the name of its hal format; general codecs have none
  int block;                // elements of a packed block
  int group;                // elements that share a scale: 16 or 32
  int bits;                 // of a code: 2, 3, 4, 5, 6 or 8
  int offset;
  CodeTable table;
  ScaleKind scale;
  bool signed_scale;  // kByte only
  bool has_minimum;   // kF16, kF32: stored as added; others: as subtracted
  int source_block;   // elements and bytes of a block of the format; general codecs: elements that are packed together
  int source_bytes;

  constexpr int low_bits() const { return bits == 3 ? 2 : bits == 5 || bits == 6 ? 4 : bits; }
  constexpr int high_bits() const { return bits - low_bits(); }
  constexpr int groups() const { return block / group; }
  constexpr bool general() const { return format.empty(); }
  constexpr bool has_own_table() const { return table == CodeTable::kOwn || table == CodeTable::kConsecutive; }

  // Byte offsets inside a packed block.
  constexpr size_t scales_at() const { return 0; }
  constexpr size_t subscales_at() const { return 64; }  // after d and dmin, f16 for 16 rows each
  constexpr size_t minima_at() const {
    if (scale == ScaleKind::kF16) return size_t(groups()) * 32;
    if (scale == ScaleKind::kF32) return size_t(groups()) * 64;
    return subscales_at() + size_t(groups()) * 16;
  }
  constexpr size_t low_at() const {
    const size_t per_group = size_t(groups()) * kTileRows;
    const size_t both = has_minimum ? 2 : 1;
    switch (scale) {
      case ScaleKind::kF16: return per_group * 2 * both;
      case ScaleKind::kE8m0: return per_group;
      case ScaleKind::kByte: return 64 + per_group * both;
      case ScaleKind::kNibble: return 64 + per_group;
      case ScaleKind::kF32: return per_group * 4 * both;
      case ScaleKind::kBlockF16:
      case ScaleKind::kBlockF32: return 64;
    }
    return 0;
  }
  constexpr size_t plane_bytes(int field_bits) const { return size_t(block) * size_t(field_bits) * kTileRows / 8; }
  constexpr size_t high_at() const { return low_at() + plane_bytes(low_bits()); }
  constexpr size_t block_bytes() const { return high_at() + plane_bytes(high_bits()); }
};

constexpr CodecRecord kCodecRecords[kCodecs] = {
    {"Q4_0", 64, 32, 4, 8, CodeTable::kNone, ScaleKind::kF16, false, false, 32, 18},
    {"Q4_1", 64, 32, 4, 0, CodeTable::kNone, ScaleKind::kF16, false, true, 32, 20},
    {"Q5_0", 64, 32, 5, 16, CodeTable::kNone, ScaleKind::kF16, false, false, 32, 22},
    {"Q5_1", 64, 32, 5, 0, CodeTable::kNone, ScaleKind::kF16, false, true, 32, 24},
    {"Q8_0", 64, 32, 8, 128, CodeTable::kNone, ScaleKind::kF16, false, false, 32, 34},
    {"IQ4_NL", 64, 32, 4, 0, CodeTable::kIq4Nl, ScaleKind::kF16, false, false, 32, 18},
    {"MXFP4", 128, 32, 4, 0, CodeTable::kMxfp4, ScaleKind::kE8m0, false, false, 32, 17},
    {"Q2_K", 256, 16, 2, 0, CodeTable::kNone, ScaleKind::kNibble, false, true, 256, 84},
    {"Q3_K", 256, 16, 3, 4, CodeTable::kNone, ScaleKind::kByte, true, false, 256, 110},
    {"Q4_K", 256, 32, 4, 0, CodeTable::kNone, ScaleKind::kByte, false, true, 256, 144},
    {"Q5_K", 256, 32, 5, 0, CodeTable::kNone, ScaleKind::kByte, false, true, 256, 176},
    {"Q6_K", 256, 16, 6, 32, CodeTable::kNone, ScaleKind::kByte, true, false, 256, 210},
    {"IQ4_XS", 256, 32, 4, 0, CodeTable::kIq4Nl, ScaleKind::kByte, true, false, 256, 136},
    {"TQ2_0", 256, 32, 2, 1, CodeTable::kNone, ScaleKind::kBlockF16, false, false, 256, 66},
    {"", 128, 32, 2, 0, CodeTable::kConsecutive, ScaleKind::kBlockF32, false, false, 128, 0},
    {"", 32, 32, 4, 0, CodeTable::kOwn, ScaleKind::kF32, false, false, 32, 0},
    {"", 32, 16, 4, 0, CodeTable::kOwn, ScaleKind::kF32, false, false, 32, 0},
    {"", 32, 32, 4, 0, CodeTable::kOwn, ScaleKind::kF32, false, true, 32, 0},
    {"", 32, 32, 8, 128, CodeTable::kNone, ScaleKind::kF32, false, false, 32, 0},
    {"", 32, 16, 8, 128, CodeTable::kNone, ScaleKind::kF32, false, false, 32, 0},
    {"", 32, 16, 8, 128, CodeTable::kNone, ScaleKind::kF32, false, true, 32, 0},
};

constexpr const CodecRecord& codec_record(Codec codec) { return kCodecRecords[size_t(codec)]; }

// A format's codec with what the record leaves open.
struct FormatCodec {
  Codec codec;
  CodeValues values{};  // where has_own_table()
};

// The codec that is the format's own, or the general one that holds it in the fewest bytes; none when the format has
// no integer codes or does not verify.
std::optional<FormatCodec> find_codec(const Format& format);

}  // namespace trireme::cpu::quantized
