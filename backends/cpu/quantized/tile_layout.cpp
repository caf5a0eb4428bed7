#include "backends/cpu/quantized/tile_layout.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trireme::cpu::quantized {
namespace {

// Packs the 8 steps of each group of 32, kBits bits a code, after shifting the codes right by `drop`.
template <int kBits>
void write_plane(const uint32_t* codes, int groups, int drop, int row, std::byte* plane) {
  constexpr int kStepsASlab = 8 / kBits;
  constexpr uint32_t kMask = 0x01010101u * ((1u << kBits) - 1);
  plane += 4 * row;
  for (int step = 0; step < 8 * groups; step += kStepsASlab, plane += kSlabBytes) {
    uint32_t word = 0;
    for (int i = 0; i < kStepsASlab; ++i) word |= ((codes[step + i] >> drop) & kMask) << (kBits * i);
    std::memcpy(plane, &word, 4);
  }
}

void write_plane(const uint32_t* codes, int groups, int bits, int drop, int row, std::byte* plane) {
  switch (bits) {
    case 1: return write_plane<1>(codes, groups, drop, row, plane);
    case 2: return write_plane<2>(codes, groups, drop, row, plane);
    case 4: return write_plane<4>(codes, groups, drop, row, plane);
    default: return write_plane<8>(codes, groups, drop, row, plane);
  }
}

// Adds the fields of a group of 32 codes, shifted left by `raise`: the inverse of write_plane.
template <int kBits>
void read_plane(const std::byte* plane, int raise, int row, int group, uint32_t* codes) {
  constexpr int kStepsASlab = 8 / kBits;
  constexpr uint32_t kMask = 0x01010101u * ((1u << kBits) - 1);
  plane += 4 * row + group * kBits * kSlabBytes;
  for (int step = 0; step < 8; step += kStepsASlab, plane += kSlabBytes) {
    uint32_t word = 0;
    std::memcpy(&word, plane, 4);
    for (int i = 0; i < kStepsASlab; ++i) codes[step + i] |= ((word >> (kBits * i)) & kMask) << raise;
  }
}

void read_plane(const std::byte* plane, int bits, int raise, int row, int group, uint32_t* codes) {
  switch (bits) {
    case 1: return read_plane<1>(plane, raise, row, group, codes);
    case 2: return read_plane<2>(plane, raise, row, group, codes);
    case 4: return read_plane<4>(plane, raise, row, group, codes);
    default: return read_plane<8>(plane, raise, row, group, codes);
  }
}

float half_at(const std::byte* bytes) {
  uint16_t bits = 0;
  std::memcpy(&bits, bytes, 2);
  return f16_to_f32(bits);
}

float float_at(const std::byte* bytes) {
  float value = 0;
  std::memcpy(&value, bytes, 4);
  return value;
}

// Both planes of `groups` groups of 32 codes, from element `first` of the block.
void write_planes(const CodecRecord& record, const uint32_t* codes, int first, int groups, int row, std::byte* packed) {
  const size_t skip = size_t(first) * kTileRows / 8;
  const int low = record.low_bits(), high = record.high_bits();
  write_plane(codes, groups, low, 0, row, packed + record.low_at() + skip * size_t(low));
  if (high > 0) write_plane(codes, groups, high, low, row, packed + record.high_at() + skip * size_t(high));
}

void write_scales(const CodecRecord& record, const SourceBlock& source, int part, int row, std::byte* packed) {
  const int groups = record.source_block / record.group;
  switch (record.scale) {
    case ScaleKind::kF16:
      std::memcpy(packed + part * 32 + 2 * row, &source.scale, 2);
      if (record.has_minimum) std::memcpy(packed + record.minima_at() + part * 32 + 2 * row, &source.minimum, 2);
      return;
    case ScaleKind::kE8m0: packed[part * kTileRows + row] = std::byte(source.scale); return;
    case ScaleKind::kByte:
    case ScaleKind::kNibble:
      for (int group = 0; group < groups; ++group) {
        const auto at = size_t(group * kTileRows + row);
        packed[record.subscales_at() + at] = std::byte(source.subscales[size_t(group)]);
        if (record.scale == ScaleKind::kByte && record.has_minimum)
          packed[record.minima_at() + at] = std::byte(source.subminima[size_t(group)]);
      }
      [[fallthrough]];
    case ScaleKind::kBlockF16:
      std::memcpy(packed + 2 * row, &source.scale, 2);
      if (record.has_minimum) std::memcpy(packed + 32 + 2 * row, &source.minimum, 2);
      return;
    case ScaleKind::kF32:
    case ScaleKind::kBlockF32: return;  // of general codecs
  }
}

}  // namespace

void write_row_block(const CodecRecord& record, const SourceBlock& source, int part, int row, std::byte* packed) {
  write_scales(record, source, part, row, packed);
  write_planes(record, source.codes.data(), part * record.source_block, record.source_block / kActGroup, row, packed);
}

void write_row_block(const CodecRecord& record, const uint32_t* codes, int groups, const float* scales,
                     const float* minima, int row, std::byte* packed) {
  const int factors = record.scale == ScaleKind::kBlockF32 ? 1 : groups * kActGroup / record.group;
  for (int i = 0; i < factors; ++i) {
    const auto at = size_t(i * kTileRows + row) * sizeof(float);
    std::memcpy(packed + at, scales + i, sizeof(float));
    if (record.has_minimum) std::memcpy(packed + record.minima_at() + at, minima + i, sizeof(float));
  }
  write_planes(record, codes, 0, groups, row, packed);
}

void read_codes(const CodecRecord& record, const CodeValues& values, const std::byte* packed, int row, int group,
                int16_t* integers) {
  const int low = record.low_bits(), high = record.high_bits();
  std::array<uint32_t, 8> words{};
  read_plane(packed + record.low_at(), low, 0, row, group, words.data());
  if (high > 0) read_plane(packed + record.high_at(), high, low, row, group, words.data());
  std::array<uint8_t, kActGroup> codes;
  std::memcpy(codes.data(), words.data(), sizeof(words));
  const int8_t* table = record.table == CodeTable::kIq4Nl   ? kIq4NlValues
                        : record.table == CodeTable::kMxfp4 ? kMxfp4Values
                        : record.table == CodeTable::kNone  ? nullptr
                                                            : values.data();
  for (size_t i = 0; i < codes.size(); ++i)
    integers[i] = table != nullptr ? int16_t(table[codes[i]]) : int16_t(codes[i] - record.offset);
}

ScaleAndMinimum read_scale(const CodecRecord& record, const std::byte* packed, int row, int group) {
  const auto at = size_t(group * kTileRows + row);
  switch (record.scale) {
    case ScaleKind::kF16:
      return {half_at(packed + 2 * at), record.has_minimum ? half_at(packed + record.minima_at() + 2 * at) : 0.0f};
    case ScaleKind::kE8m0: {
      const auto exponent = uint32_t(packed[at]);
      return {std::bit_cast<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23), 0};
    }
    case ScaleKind::kByte: {
      const auto byte = uint8_t(packed[record.subscales_at() + at]);
      const float scale = half_at(packed + 2 * row) * float(record.signed_scale ? int8_t(byte) : byte);
      if (!record.has_minimum) return {scale, 0};
      return {scale, -half_at(packed + 32 + 2 * row) * float(uint8_t(packed[record.minima_at() + at]))};
    }
    case ScaleKind::kNibble: {
      const auto byte = uint8_t(packed[record.subscales_at() + at]);
      return {half_at(packed + 2 * row) * float(byte & 15), -half_at(packed + 32 + 2 * row) * float(byte >> 4)};
    }
    case ScaleKind::kBlockF16: return {half_at(packed + 2 * row), 0};
    case ScaleKind::kF32:
      return {float_at(packed + 4 * at), record.has_minimum ? float_at(packed + record.minima_at() + 4 * at) : 0.0f};
    case ScaleKind::kBlockF32: return {float_at(packed + 4 * row), 0};
  }
  return {};
}

void read_row_block(const CodecRecord& record, const CodeValues& values, const std::byte* packed, int row, int count,
                    float* elements) {
  std::array<int16_t, kActGroup> integers;
  for (int begin = 0; begin < count; begin += kActGroup) {
    read_codes(record, values, packed, row, begin / kActGroup, integers.data());
    for (int part = 0; part < kActGroup; part += record.group) {
      const auto [scale, minimum] = read_scale(record, packed, row, (begin + part) / record.group);
      float* target = elements + begin + part;
      // A minimum of zero is not added: it would lose the sign of a zero.
      if (record.has_minimum)
        for (int i = 0; i < record.group; ++i) target[i] = scale * float(integers[size_t(part + i)]) + minimum;
      else
        for (int i = 0; i < record.group; ++i) target[i] = scale * float(integers[size_t(part + i)]);
    }
  }
}

}  // namespace trireme::cpu::quantized
