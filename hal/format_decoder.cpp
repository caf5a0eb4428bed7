#include "hal/format_decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "hal/format_bits.h"
#include "hal/format_plan.h"

namespace trireme {
namespace {

static_assert(kMaxBlockElements >= kSpanElements);

using Bits = std::array<uint32_t, size_t(kMaxBlockElements)>;
using Values = std::array<float, size_t(kMaxBlockElements)>;

int32_t sign_extend(uint32_t bits, int width) { return int32_t(bits << (32 - width)) >> (32 - width); }

// As f16_to_f32, without branches.
float f16_value(uint32_t bits) {
  const uint32_t magnitude = (bits & 0x7fffu) << 13;
  const uint32_t finite = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  const uint32_t value = magnitude >= (0x7c00u << 13) ? magnitude | 0x7f800000u : finite;
  return std::bit_cast<float>(value | ((bits & 0x8000u) << 16));
}

// Computed in f64 and rounded once. A zero offset is not added, so that a negative zero stays one.
float number_from_bits(const Number& number, uint32_t bits, int width) {
  double value = number.type == NumberType::kE8M0 ? std::ldexp(1.0, int(bits) - 127)
                                                  : double(float_from_bits(number.type, bits, width));
  value *= double(number.multiplier);
  if (number.offset != 0.0f) value += double(number.offset);
  return float(number.reciprocal ? 1.0 / value : value);
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

bool is_plain_integer(const Format& format) {
  switch (format.plain.value_or(DType::kF32)) {
    case DType::kI32:
    case DType::kI16:
    case DType::kI8:
    case DType::kU8: return true;
    default: return false;
  }
}

// Number of groups of a number outside of blocks, or -1 when it overflows.
int64_t number_count(const Number& number, int64_t rows, int64_t columns) {
  const int64_t row_groups = number.group_rows == 0 || number.place == Place::kRowHead
                                 ? 1
                                 : (rows + number.group_rows - 1) / number.group_rows;
  const int64_t column_groups =
      number.group_columns == 0 ? 1 : (columns + number.group_columns - 1) / number.group_columns;
  int64_t count = 0;
  return __builtin_mul_overflow(row_groups, column_groups, &count) ? -1 : count;
}

Status check_numbers(const Format& format, const HostTensor& tensor, int64_t rows, int64_t columns) {
  const auto check = [&](const Number& number) -> Status {
    if (number.place == Place::kBlock) return {};
    int64_t bytes = format.row_head_bytes;
    if (number.place == Place::kTensorTail) bytes = format.tensor_tail_bytes;
    if (number.place == Place::kPlane) bytes = int64_t(tensor.planes[size_t(number.index)].size());
    const int64_t count = number_count(number, rows, columns);
    for (const BitField& field : number.fields)
      if (count < 0 || bytes > (int64_t{1} << 58) || !field_fits(field, count, bytes * 8))
        return fail(
            ErrorCode::kInvalidArgument, tensor.name.empty() ? "tensor" : tensor.name,
            number.place == Place::kPlane
                ? "'" + format.planes[size_t(number.index)] + "' is too small for " + std::to_string(count) + " numbers"
                : format.name + " has no room for " + std::to_string(count) + " numbers");
    return {};
  };
  for (const auto* numbers : {&format.scale, &format.minimum})
    for (const Number& number : *numbers) TRIREME_TRY(check(number));
  if (format.zero) TRIREME_TRY(check(*format.zero));
  return {};
}

// Rows of a tensor whose sizes have been checked.
class TensorReader {
 public:
  static Result<TensorReader> create(const DecodePlan& plan, const HostTensor& tensor) {
    const Format& format = plan.format;
    const int64_t rows = tensor.desc.shape.rows();
    const int64_t columns = tensor.desc.shape.back();
    const auto wrong = [&](std::string why) {
      return fail(ErrorCode::kInvalidArgument, tensor.name.empty() ? "tensor" : tensor.name, std::move(why));
    };
    if (columns % format.block_elements != 0 || rows % format.block_rows != 0)
      return wrong(tensor.desc.shape.text() + " is not a whole number of " + format.name + " blocks");
    int64_t bytes = 0;
    if (__builtin_mul_overflow(columns / format.block_elements, format.block_bytes, &bytes) ||
        __builtin_add_overflow(bytes, format.row_head_bytes, &bytes) ||
        __builtin_mul_overflow(rows / format.block_rows, bytes, &bytes) ||
        __builtin_add_overflow(bytes, format.tensor_tail_bytes, &bytes) || uint64_t(bytes) != tensor.data.size())
      return wrong("its " + std::to_string(tensor.data.size()) + " bytes do not match " + tensor.desc.text());
    if (tensor.planes.size() != format.planes.size())
      return wrong(format.name + " needs " + std::to_string(format.planes.size()) + " planes, not " +
                   std::to_string(tensor.planes.size()));
    if (is_plain_integer(format)) return fail(ErrorCode::kUnsupported, format.name, "it has no float values");
    TRIREME_TRY(check_numbers(format, tensor, rows, columns));
    return TensorReader(plan, tensor);
  }

  int64_t rows() const { return source_.rows; }
  int64_t columns() const { return source_.columns; }

  // Calls visit(span decoder, column, count) for every span of the row.
  template <typename Visit>
  void read_row(int64_t row, const Visit& visit) {
    const Format& format = plan_.format;
    const int64_t packed_rows = source_.rows / format.block_rows;
    const int64_t packed_row = format.rows_strided ? row % packed_rows : row / format.block_rows;
    const int64_t row_of_block = format.rows_strided ? row / packed_rows : row % format.block_rows;
    source_.row = row;
    source_.head = data_.data() + packed_row * format.row_bytes(source_.columns);
    const std::byte* section = source_.head + format.row_head_bytes;
    for (size_t i = 0; i < plan_.sections.size(); ++i) {
      source_.sections[i] = section;
      section += source_.columns / format.block_elements * plan_.sections[i];
    }
    for (int64_t column = 0; column < source_.columns; column += plan_.span) {
      const int64_t count = std::min(plan_.span, source_.columns - column);
      SpanDecoder decoder(plan_, plan_.rows[size_t(row_of_block)], source_, column, count);
      visit(decoder, column, count);
    }
  }

 private:
  TensorReader(const DecodePlan& plan, const HostTensor& tensor) : plan_(plan), data_(tensor.data) {
    source_.planes = tensor.planes;
    source_.rows = tensor.desc.shape.rows();
    source_.columns = tensor.desc.shape.back();
    source_.tail = data_.data() + data_.size() - plan.format.tensor_tail_bytes;
  }

  const DecodePlan& plan_;
  std::span<const std::byte> data_;
  RowSource source_;
};

Status check_range(const TensorReader& reader, int64_t first, int64_t count) {
  if (first >= 0 && count >= 0 && first <= reader.rows() && count <= reader.rows() - first) return {};
  return fail(ErrorCode::kInvalidArgument, "decode",
              "rows " + std::to_string(first) + " to " + std::to_string(first) + " + " + std::to_string(count) +
                  " are not among the tensor's " + std::to_string(reader.rows()));
}

Status check_size(size_t size, int64_t wanted, const char* of) {
  if (int64_t(size) == wanted) return {};
  return fail(ErrorCode::kInvalidArgument, "decode",
              std::string("there is room for ") + std::to_string(size) + " " + of + ", not " + std::to_string(wanted));
}

}  // namespace

Result<FormatDecoder> FormatDecoder::create(const Format& format) {
  TRIREME_TRY(verify(format));
  return FormatDecoder(std::make_shared<const DecodePlan>(make_decode_plan(format)));
}

Status FormatDecoder::decode_row(std::span<const std::byte> row, std::span<float> values) const {
  if (!plan_->format.rows_stand_alone())
    return fail(ErrorCode::kUnsupported, plan_->format.name, "a row of it cannot be decoded without its tensor");
  HostTensor tensor;
  tensor.desc = {Shape{1, int64_t(values.size())}, &plan_->format};
  tensor.data = row;
  tensor.name = "row";
  return decode_rows(tensor, 0, 1, values);
}

Status FormatDecoder::decode_rows(const HostTensor& tensor, int64_t first, int64_t count,
                                  std::span<float> values) const {
  TRIREME_ASSIGN(TensorReader reader, TensorReader::create(*plan_, tensor));
  TRIREME_TRY(check_range(reader, first, count));
  TRIREME_TRY(check_size(values.size(), count * reader.columns(), "values"));
  for (int64_t i = 0; i < count; ++i) {
    float* const target = values.data() + i * reader.columns();
    reader.read_row(first + i,
                    [&](SpanDecoder& span, int64_t column, int64_t) { span.decode_values(target + column); });
  }
  return {};
}

Status FormatDecoder::decode_integer_rows(const HostTensor& tensor, int64_t first, int64_t count,
                                          std::span<int8_t> codes, std::span<float> scales,
                                          std::span<float> minima) const {
  const Format& format = plan_->format;
  if (!plan_->integer) return fail(ErrorCode::kUnsupported, format.name, "it has no integer codes");
  TRIREME_ASSIGN(TensorReader reader, TensorReader::create(*plan_, tensor));
  TRIREME_TRY(check_range(reader, first, count));
  const int64_t columns = reader.columns();
  const int64_t group = plan_->integer->group;
  if (columns % group != 0)
    return fail(ErrorCode::kInvalidArgument, format.name,
                std::to_string(columns) + " columns are not a multiple of " + std::to_string(group));
  TRIREME_TRY(check_size(codes.size(), count * columns, "codes"));
  TRIREME_TRY(check_size(scales.size(), count * (columns / group), "scales"));
  if (plan_->integer->has_minimum) TRIREME_TRY(check_size(minima.size(), count * (columns / group), "minima"));
  Values factors;
  const auto spread = [&](int64_t elements, float* target) {
    const int64_t each = group / plan_->granule;
    for (int64_t i = 0; i < elements / group; ++i) target[i] = factors[size_t(i * each)];
  };
  for (int64_t i = 0; i < count; ++i) {
    reader.read_row(first + i, [&](SpanDecoder& span, int64_t column, int64_t elements) {
      const int64_t at = i * columns + column;
      span.decode_integer_codes(&codes[size_t(at)]);
      span.decode_scale(factors.data());
      spread(elements, &scales[size_t(at / group)]);
      if (!plan_->integer->has_minimum) return;
      span.decode_minimum(factors.data());
      spread(elements, &minima[size_t(at / group)]);
    });
  }
  return {};
}

Status FormatDecoder::decode_factor_levels(const HostTensor& tensor, int64_t first, int64_t count, Factor factor,
                                           std::span<uint16_t> halves, std::span<uint8_t> wholes) const {
  const Format& format = plan_->format;
  const auto levels = factor_levels(format, factor);
  if (!levels) return fail(ErrorCode::kUnsupported, format.name, "it has no such factor in two levels");
  TRIREME_ASSIGN(TensorReader reader, TensorReader::create(*plan_, tensor));
  TRIREME_TRY(check_range(reader, first, count));
  TRIREME_TRY(check_size(halves.size(), count * (reader.columns() / levels->columns), "halves"));
  TRIREME_TRY(check_size(wholes.size(), count * (reader.columns() / plan_->integer->group), "whole numbers"));
  const bool is_scale = factor == Factor::kScale;
  const std::vector<Number>& numbers = is_scale ? format.scale : format.minimum;
  // Flipping the sign bit of a signed number takes its lowest value away.
  const uint32_t sign = numbers[1].type == NumberType::kSigned ? 1u << (field_bits(numbers[1].fields) - 1) : 0;
  uint16_t* half = halves.data();
  uint8_t* whole = wholes.data();
  for (int64_t i = 0; i < count; ++i) {
    reader.read_row(first + i, [&](SpanDecoder& span, int64_t, int64_t) {
      const std::vector<BitRuns>& runs = is_scale ? span.row().scale : span.row().minimum;
      half += span.decode_bits(numbers[0], runs[0], 0, half);
      whole += span.decode_bits(numbers[1], runs[1], sign, whole);
    });
  }
  return {};
}

}  // namespace trireme
