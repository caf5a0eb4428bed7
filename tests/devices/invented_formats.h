// Formats that nobody has heard of.
#pragma once

#include "hal/format_records.h"

namespace trireme::devices_test {

// Blocks of 32 codes of 3 bits, from -4 to 3, behind their f16 scale.
inline Format three_bits() {
  Codes codes;
  codes.fields = {bits(3, 16, {{1, 0, 3}})};
  codes.offset = -4;
  return block_format("THREE_BITS", 0, 32, 14, codes, {block_number(NumberType::kF16, 0, {bits(16, 0, {})})});
}

// Blocks of 48 codes of 4 bits that choose one of 16 odd numbers, before their bf16 scale.
inline Format odd_table() {
  Codes codes;
  codes.fields = {bits(4, 0, {{1, 0, 4}})};
  for (int i = 0; i < 16; ++i) codes.table.push_back(float((i - 8) * (i - 8) * (i < 8 ? -1 : 1)) / 7);
  return block_format("ODD_TABLE", 0, 48, 26, codes, {block_number(NumberType::kBF16, 0, {bits(16, 24 * 8, {})})});
}

// Groups of 16 signed bytes under an f32 scale and an f32 minimum.
inline Format bytes_with_minimum() {
  Codes codes;
  codes.fields = {bits(8, 128, {{1, 0, 8}})};
  codes.type = NumberType::kSigned;
  const auto number = [](int64_t at) { return block_number(NumberType::kF32, 16, {bits(32, at, {{1, 0, 64}})}); };
  return block_format("BYTES_WITH_MINIMUM", 0, 32, 48, codes, {number(0)}, {number(32)});
}

// Blocks of 48 codes of 4 bits less a zero point of 4 bits for every 16, under a bf16 scale of the block.
inline Format zero_points() {
  Codes codes;
  codes.fields = {bits(4, 0, {{1, 0, 4}})};
  Format format =
      block_format("ZERO_POINTS", 0, 48, 28, codes, {block_number(NumberType::kBF16, 0, {bits(16, 26 * 8, {})})});
  format.zero = block_number(NumberType::kUnsigned, 16, {bits(4, 24 * 8, {{1, 0, 4}})});
  return format;
}

// Four rows to a byte that lie a quarter of the tensor apart, with codes from -2 to 1 and a scale for every 128 columns
// in a plane.
inline Format strided_rows() {
  Codes codes;
  codes.fields = {bits(2, 0, {{1, 4, 2}})};
  codes.offset = -2;
  Number scale = block_number(NumberType::kF16, 128, {bits(16, 0, {{1, 0, 16}})});
  scale.place = Place::kPlane;
  Format format = block_format("STRIDED_ROWS", 0, 1, 1, codes, {scale});
  format.block_rows = 4;
  format.rows_strided = true;
  format.planes = {"weight_scale"};
  return format;
}

}  // namespace trireme::devices_test
