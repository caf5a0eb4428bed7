// SpanDecoder: columns of a row that are decoded together. Private to the decoder.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "hal/format_bits.h"
#include "hal/format_plan.h"

namespace trireme {

static_assert(kMaxBlockElements >= kSpanElements);

using Bits = std::array<uint32_t, size_t(kMaxBlockElements)>;
using Values = std::array<float, size_t(kMaxBlockElements)>;

inline int32_t sign_extend(uint32_t bits, int width) { return int32_t(bits << (32 - width)) >> (32 - width); }

// As f16_to_f32, without branches.
inline float f16_value(uint32_t bits) {
  const uint32_t magnitude = (bits & 0x7fffu) << 13;
  const uint32_t finite = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  const uint32_t value = magnitude >= (0x7c00u << 13) ? magnitude | 0x7f800000u : finite;
  return std::bit_cast<float>(value | ((bits & 0x8000u) << 16));
}

// Bytes and position of the row that is being decoded.
struct RowSource {
  std::array<const std::byte*, kMaxSections> sections{};
  const std::byte* head = nullptr;
  const std::byte* tail = nullptr;
  std::span<const std::span<const std::byte>> planes;
  int64_t row = 0;
  int64_t rows = 1;
  int64_t columns = 0;
};

// One span of a row: columns [column, column + count).
class SpanDecoder {
 public:
  SpanDecoder(const DecodePlan& plan, const RowPlan& row, const RowSource& source, int64_t column, int64_t count)
      : plan_(plan), row_(row), source_(source), column_(column), count_(count) {}

  // Codes with tables, signs and zero points, before scale and minimum.
  void decode_codes(float* values) {
    const Codes& codes = plan_.format.codes;
    gather(row_.codes, section(codes.section), count_ / codes.vector, bits_.data());
    if (codes.table.empty()) {
      convert_codes(values);
    } else if (codes.vector == 1) {
      for (int64_t i = 0; i < count_; ++i) values[i] = codes.table[bits_[size_t(i)]];
    } else {
      for (int64_t i = 0; i < count_ / codes.vector; ++i)
        std::copy_n(&codes.table[bits_[size_t(i)] * size_t(codes.vector)], codes.vector, values + i * codes.vector);
    }
    if (plan_.format.signs.group != 0) apply_signs(values);
    if (plan_.format.zero) subtract_zero(values);
  }

  // The same where they are whole numbers of a byte.
  void decode_integer_codes(int8_t* integers) {
    const Codes& codes = plan_.format.codes;
    const bool counted = codes.type == NumberType::kUnsigned || codes.type == NumberType::kSigned;
    if (!counted || !codes.table.empty() || codes.multiplier != 1 || plan_.format.signs.group != 0 ||
        plan_.format.zero) {
      decode_codes(scratch_.data());
      for (int64_t i = 0; i < count_; ++i) integers[i] = int8_t(int(scratch_[size_t(i)]));
      return;
    }
    const int64_t count = count_;  // which no store to `integers` can change
    gather(row_.codes, section(codes.section), count, bits_.data());
    // Flipping a sign bit and taking its weight away extends it.
    const uint32_t sign = codes.type == NumberType::kSigned ? 1u << (plan_.code_bits - 1) : 0;
    const uint32_t offset = uint32_t(int32_t(codes.offset)) - sign;
    for (int64_t i = 0; i < count; ++i) integers[i] = int8_t(uint8_t((bits_[size_t(i)] ^ sign) + offset));
  }

  // One for every granule of the span; 1 and 0 where the format has none.
  void decode_scale(float* scales) { decode_factors(plan_.format.scale, row_.scale, 1.0f, scales); }
  void decode_minimum(float* minima) { decode_factors(plan_.format.minimum, row_.minimum, 0.0f, minima); }

  // The bits of one number of a block after the other; how many there are.
  int64_t decode_bits(const Number& number, const BitRuns& runs, uint32_t sign, auto* bits) {
    const int64_t count = count_ / columns_per_number(plan_.format, number);
    gather(runs, section(number.index), count, bits_.data());
    for (int64_t i = 0; i < count; ++i)
      bits[i] = static_cast<std::remove_reference_t<decltype(*bits)>>(bits_[size_t(i)] ^ sign);
    return count;
  }
  const RowPlan& row() const { return row_; }

  void decode_values(float* values) {
    decode_codes(values);
    const bool has_minimum = !plan_.format.minimum.empty();
    if (plan_.format.scale.empty() && !has_minimum) return;
    decode_scale(scales_.data());
    if (has_minimum) decode_minimum(minima_.data());
    for (int64_t begin = 0, i = 0; begin < count_; begin += plan_.granule, ++i) {
      const int64_t end = std::min(begin + plan_.granule, count_);
      const float scale = scales_[size_t(i)];
      if (has_minimum) {
        const float minimum = minima_[size_t(i)];
        for (int64_t k = begin; k < end; ++k) values[k] = values[k] * scale + minimum;
      } else {
        for (int64_t k = begin; k < end; ++k) values[k] *= scale;
      }
    }
  }

 private:
  void decode_factors(const std::vector<Number>& numbers, const std::vector<BitRuns>& runs, float none,
                      float* products) {
    const int64_t granules = (count_ + plan_.granule - 1) / plan_.granule;
    if (numbers.empty()) std::fill_n(products, granules, none);
    for (size_t level = 0; level < numbers.size(); ++level) {
      const int64_t columns = decode_numbers(numbers[level], runs[level]);
      if (level == 0 && columns == plan_.granule && numbers[level].place == Place::kBlock) {
        std::copy_n(numbers_.data(), granules, products);
        continue;
      }
      for (int64_t i = 0; i < granules; ++i) {
        const float factor = numbers_[size_t(number_of(i * plan_.granule, numbers[level], columns))];
        products[i] = level == 0 ? factor : products[i] * factor;
      }
    }
  }

  const std::byte* section(int64_t index) const {
    const int64_t blocks = column_ / plan_.format.block_elements;
    return source_.sections[size_t(index)] + blocks * plan_.sections[size_t(index)];
  }

  void convert_codes(float* values) {
    const Codes& codes = plan_.format.codes;
    const int width = plan_.code_bits;
    switch (codes.type) {
      case NumberType::kUnsigned:
        for (int64_t i = 0; i < count_; ++i) values[i] = float(int32_t(bits_[size_t(i)]));
        break;
      case NumberType::kSigned:
        for (int64_t i = 0; i < count_; ++i) values[i] = float(sign_extend(bits_[size_t(i)], width));
        break;
      case NumberType::kF32: std::memcpy(values, bits_.data(), size_t(count_) * sizeof(float)); break;
      case NumberType::kF16:
        for (int64_t i = 0; i < count_; ++i) values[i] = f16_value(bits_[size_t(i)]);
        break;
      case NumberType::kBF16:
        for (int64_t i = 0; i < count_; ++i) values[i] = std::bit_cast<float>(bits_[size_t(i)] << 16);
        break;
      default:
        for (int64_t i = 0; i < count_; ++i) values[i] = plan_.float_values[bits_[size_t(i)]];
    }
    if (codes.multiplier != 1)
      for (int64_t i = 0; i < count_; ++i) values[i] *= float(codes.multiplier);
    if (codes.offset != 0)
      for (int64_t i = 0; i < count_; ++i) values[i] += float(codes.offset);
  }

  void apply_signs(float* values) {
    const Signs& signs = plan_.format.signs;
    gather(row_.signs, section(plan_.format.codes.section), count_ / signs.group, bits_.data());
    for (int64_t i = 0; i < count_ / signs.group; ++i) {
      uint32_t minus = bits_[size_t(i)];
      if (signs.even) minus |= uint32_t(std::popcount(minus) & 1) << (signs.group - 1);
      float* const group = values + i * signs.group;
      for (int64_t k = 0; k < signs.group; ++k) {
        const uint32_t flip = ((minus >> k) & 1u) << 31;
        group[k] = std::bit_cast<float>(std::bit_cast<uint32_t>(group[k]) ^ flip);
      }
    }
  }

  void subtract_zero(float* values) {
    const Number& zero = *plan_.format.zero;
    const int64_t columns = decode_numbers(zero, row_.zero);
    for (int64_t i = 0; i < count_; ++i) values[i] -= numbers_[size_t(number_of(i, zero, columns))];
  }

  // Fills numbers_ with the numbers that this span needs; returns the columns that share one, or 0.
  int64_t decode_numbers(const Number& number, const BitRuns& runs) {
    const int width = field_bits(number.fields);
    const int64_t columns = columns_per_number(plan_.format, number);
    if (number.place == Place::kBlock) {
      const int64_t entries = count_ / columns;
      gather(runs, section(number.index), entries, bits_.data());
      if (number.type == NumberType::kF16 && number.multiplier == 1.0f && number.offset == 0.0f && !number.reciprocal)
        for (int64_t i = 0; i < entries; ++i) numbers_[size_t(i)] = f16_value(bits_[size_t(i)]);
      else
        for (int64_t i = 0; i < entries; ++i) numbers_[size_t(i)] = number_from_bits(number, bits_[size_t(i)], width);
      return columns;
    }
    const int64_t first = columns == 0 ? 0 : column_ / columns;
    const int64_t last = columns == 0 ? 0 : (column_ + count_ - 1) / columns;
    const std::byte* const base = region(number);
    for (int64_t group = first; group <= last; ++group) {
      const int64_t entry = entry_of(number, group, columns);
      uint32_t bits = 0;
      for (const BitField& field : number.fields) {
        uint32_t part = load_bits(base, bit_address(field, entry), field.width);
        if (field.radix.radix != 0)
          part = ((part * radix_power(field, entry)) & 0xffu) * uint32_t(field.radix.radix) / 256;
        bits |= part << field.shift;
      }
      numbers_[size_t(group - first)] = number_from_bits(number, bits, width);
    }
    return columns;
  }

  // Which of numbers_ belongs to column `offset` of the span.
  int64_t number_of(int64_t offset, const Number& number, int64_t columns) const {
    if (columns == 0) return 0;
    return number.place == Place::kBlock ? offset / columns : (column_ + offset) / columns - column_ / columns;
  }

  const std::byte* region(const Number& number) const {
    if (number.place == Place::kRowHead) return source_.head;
    if (number.place == Place::kTensorTail) return source_.tail;
    return source_.planes[size_t(number.index)].data();
  }

  int64_t entry_of(const Number& number, int64_t group, int64_t columns) const {
    if (number.place == Place::kRowHead) return group;
    const int64_t row_group = number.group_rows == 0 ? 0 : source_.row / number.group_rows;
    const int64_t row_groups = number.group_rows == 0 ? 1 : (source_.rows + number.group_rows - 1) / number.group_rows;
    const int64_t column_groups = columns == 0 ? 1 : (source_.columns + columns - 1) / columns;
    return number.columns_outermost ? group * row_groups + row_group : row_group * column_groups + group;
  }

  const DecodePlan& plan_;
  const RowPlan& row_;
  const RowSource& source_;
  int64_t column_;
  int64_t count_;
  Bits bits_;
  Values numbers_;
  Values scales_;
  Values minima_;
  Values scratch_;
};

}  // namespace trireme
