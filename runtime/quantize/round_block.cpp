// Blocks whose codes follow from the block's extremes. The rounding is that of gguf-py (PyPI), operation by operation,
// so that the bytes are equal.
#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/quantize/block_encoder.h"
#include "runtime/quantize/block_writer.h"

namespace trireme::runtime {
namespace {

bool is_block_f16(const std::vector<Number>& numbers) {
  return numbers.size() == 1 && numbers[0].type == NumberType::kF16 && numbers[0].group_columns == 0 &&
         numbers[0].multiplier == 1.0f && numbers[0].offset == 0.0f && !numbers[0].reciprocal;
}

// 1 / scale, or 0 where that is no number: the scale is then below every f16.
float inverse(float scale) {
  const float result = scale == 0.0f ? 0.0f : 1.0f / scale;
  return std::isfinite(result) ? result : 0.0f;
}

bool is_finite_f16(uint16_t bits) { return (bits & 0x7c00u) != 0x7c00u; }

class RoundBlock final : public BlockEncoder {
 public:
  RoundBlock(const Format& format, IntegerCodes integer)
      : integer_(integer),
        signed_(format.codes.type == NumberType::kSigned),
        codes_(format.codes.fields, format.block_elements),
        scale_(format.scale[0].fields, 1),
        minimum_(integer.has_minimum ? format.minimum[0].fields : std::vector<BitField>{}, 1) {}

  bool encode(std::span<const float> values, std::span<std::byte> block) const override {
    std::fill(block.begin(), block.end(), std::byte{0});
    if (integer_.has_minimum) return encode_between(values, block);
    return signed_ ? encode_symmetric(values, block) : encode_by_extreme(values, block);
  }

 private:
  // The largest magnitude becomes the highest code; halves round away from zero.
  bool encode_symmetric(std::span<const float> values, std::span<std::byte> block) const {
    float most = 0.0f;
    for (const float value : values) most = std::max(most, std::abs(value));
    const float scale = most / float(integer_.highest);
    const float factor = inverse(scale);
    for (size_t i = 0; i < values.size(); ++i)
      codes_.write(block, int64_t(i), uint32_t(int(std::round(values[i] * factor))));
    return write_f16(scale_, block, scale);
  }

  // The value of largest magnitude, with its sign, becomes the lowest code.
  bool encode_by_extreme(std::span<const float> values, std::span<std::byte> block) const {
    float extreme = 0.0f;
    for (const float value : values)
      if (std::abs(value) > std::abs(extreme)) extreme = value;
    const float scale = extreme / float(integer_.lowest);
    const float factor = inverse(scale);
    const float half = 0.5f - float(integer_.lowest);
    const int most = integer_.highest - integer_.lowest;
    for (size_t i = 0; i < values.size(); ++i)
      codes_.write(block, int64_t(i), uint32_t(std::clamp(int(values[i] * factor + half), 0, most)));
    return write_f16(scale_, block, scale);
  }

  // The smallest value becomes 0, the largest the highest code.
  bool encode_between(std::span<const float> values, std::span<std::byte> block) const {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float minimum = *low;
    const float scale = (*high - minimum) / float(integer_.highest);
    const float factor = inverse(scale);
    for (size_t i = 0; i < values.size(); ++i)
      codes_.write(block, int64_t(i),
                   uint32_t(std::clamp(int((values[i] - minimum) * factor + 0.5f), 0, integer_.highest)));
    return write_f16(scale_, block, scale) && write_f16(minimum_, block, minimum);
  }

  static bool write_f16(const BlockWriter& writer, std::span<std::byte> block, float value) {
    const uint16_t bits = f32_to_f16(value);
    writer.write(block, 0, bits);
    return is_finite_f16(bits);
  }

  IntegerCodes integer_;
  bool signed_;
  BlockWriter codes_;
  BlockWriter scale_;
  BlockWriter minimum_;
};

}  // namespace

std::unique_ptr<const BlockEncoder> make_round_block(const Format& format) {
  auto integer = integer_codes(format);
  if (!integer || !is_block_f16(format.scale) || (integer->has_minimum && !is_block_f16(format.minimum)) ||
      format.zero || format.signs.group != 0 || !format.codes.table.empty() || format.codes.multiplier != 1 ||
      format.codes.vector != 1)
    return nullptr;
  for (const BitField& field : format.codes.fields)
    if (field.radix.radix != 0) return nullptr;
  const bool is_signed = format.codes.type == NumberType::kSigned;
  if (integer->has_minimum ? integer->lowest != 0 : integer->lowest >= 0) return nullptr;
  if (!integer->has_minimum && !is_signed && integer->highest != -integer->lowest - 1) return nullptr;
  return std::make_unique<RoundBlock>(format, *integer);
}

}  // namespace trireme::runtime
