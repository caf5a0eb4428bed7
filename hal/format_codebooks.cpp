#include <span>

#include "hal/format_records.h"

namespace trireme {
namespace {

#include "hal/format_codebooks.inc"

// The values of a grid times `multiplier`.
std::vector<float> expand(std::span<const uint16_t> entries, std::span<const int8_t> levels, int vector,
                          int multiplier = 1) {
  const int width = 16 / vector;
  std::vector<float> values;
  values.reserve(entries.size() * size_t(vector));
  for (const uint16_t entry : entries)
    for (int i = 0; i < vector; ++i)
      values.push_back(float(multiplier * levels[(entry >> (i * width)) & ((1 << width) - 1)]));
  return values;
}

Codes grid_codes(int vector, std::vector<BitField> fields, std::vector<float> table) {
  Codes codes;
  codes.vector = vector;
  codes.fields = std::move(fields);
  codes.table = std::move(table);
  return codes;
}

Format with_signs(Format format, bool even, BitField field) {
  format.signs = {8, even, {std::move(field)}};
  return format;
}

// IQ1 adds 1/8 or -1/8 to every grid value of a group: the grid is kept times 8, and the shift is a zero point.
Format with_shift(Format format, int64_t group, BitField bit) {
  format.zero = block_number(NumberType::kUnsigned, group, {std::move(bit)}, 2.0f, -1.0f);
  return format;
}

}  // namespace

// Source: the block structures of github.com/ggml-org/ggml, and gguf-py's decoding of them.
std::vector<Format> gguf_codebook_records() {
  const auto scale = [](int width, int64_t group, int64_t bit_offset, std::vector<Digit> digits, float multiplier,
                        float offset) {
    return block_number(NumberType::kUnsigned, group, {bits(width, bit_offset, std::move(digits))}, multiplier, offset);
  };
  const Number d = block_f16(0);
  const std::vector<float> iq1 = expand(kIq1Grid, kIq1GridLevels, 8, 8);
  const Number iq1_m_d = block_number(
      NumberType::kF16, 0, {bits(4, 396, {}), bits(4, 412, {}, 4), bits(4, 428, {}, 8), bits(4, 444, {}, 12)});
  return {
      with_signs(
          block_format("IQ2_XXS", 16, 256, 66,
                       grid_codes(8, {bits(8, 16, {{4, 0, 64}, {1, 4, 8}})}, expand(kIq2XxsGrid, kIq2XxsGridLevels, 8)),
                       {d, scale(4, 32, 76, {{1, 0, 64}}, 0.25f, 0.125f)}),
          true, bits(7, 48, {{4, 0, 64}, {1, 4, 7}})),
      with_signs(block_format("IQ2_XS", 17, 256, 74,
                              grid_codes(8, {bits(9, 16, {{1, 0, 16}})}, expand(kIq2XsGrid, kIq2XsGridLevels, 8)),
                              {d, scale(4, 16, 528, {{1, 0, 4}}, 0.25f, 0.125f)}),
                 true, bits(7, 25, {{1, 0, 16}})),
      with_signs(block_format("IQ2_S", 22, 256, 82,
                              grid_codes(8, {bits(8, 16, {{1, 0, 8}}), bits(2, 528, {{1, 0, 2}}, 8)},
                                         expand(kIq2SGrid, kIq2SGridLevels, 8)),
                              {d, scale(4, 16, 592, {{1, 0, 4}}, 0.25f, 0.125f)}),
                 false, bits(8, 272, {{1, 0, 8}})),
      with_signs(block_format("IQ3_XXS", 18, 256, 98,
                              grid_codes(4, {bits(8, 16, {{1, 0, 8}})}, expand(kIq3XxsGrid, kIq3XxsGridLevels, 4)),
                              {d, scale(4, 32, 556, {{1, 0, 32}}, 0.5f, 0.25f)}),
                 true, bits(7, 528, {{4, 0, 32}, {1, 4, 7}})),
      with_signs(block_format("IQ3_S", 21, 256, 110,
                              grid_codes(4, {bits(8, 16, {{1, 0, 8}}), bits(1, 528, {{1, 0, 1}}, 8)},
                                         expand(kIq3SGrid, kIq3SGridLevels, 4)),
                              {d, scale(4, 32, 848, {{1, 0, 4}}, 2.0f, 1.0f)}),
                 false, bits(8, 592, {{1, 0, 8}})),
      with_shift(block_format("IQ1_S", 19, 256, 50,
                              grid_codes(8, {bits(8, 16, {{1, 0, 8}}), bits(3, 272, {{4, 0, 16}, {1, 4, 3}}, 8)}, iq1),
                              {d, scale(3, 32, 284, {{1, 0, 16}}, 0.25f, 0.125f)}),
                 32, bits(1, 287, {{1, 0, 16}})),
      with_shift(block_format("IQ1_M", 29, 256, 56,
                              grid_codes(8, {bits(8, 0, {{1, 0, 8}}), bits(3, 256, {{1, 0, 4}}, 8)}, iq1),
                              {iq1_m_d, scale(3, 16, 384, {{4, 0, 16}, {1, 4, 3}}, 0.25f, 0.125f)}),
                 8, bits(1, 259, {{1, 0, 4}})),
  };
}

}  // namespace trireme
