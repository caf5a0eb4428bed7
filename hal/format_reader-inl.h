// TensorReader: the rows of a tensor as spans. Private to the decoder.
#pragma once

#include "hal/format_span-inl.h"
#include "hal/prepared.h"

namespace trireme {

inline bool is_plain_integer(const Format& format) {
  switch (format.plain.value_or(DType::kF32)) {
    case DType::kI32:
    case DType::kI16:
    case DType::kI8:
    case DType::kU8: return true;
    default: return false;
  }
}

// Number of groups of a number outside of blocks, or -1 when it overflows.
inline int64_t number_count(const Number& number, int64_t rows, int64_t columns) {
  const int64_t row_groups = number.group_rows == 0 || number.place == Place::kRowHead
                                 ? 1
                                 : (rows + number.group_rows - 1) / number.group_rows;
  const int64_t column_groups =
      number.group_columns == 0 ? 1 : (columns + number.group_columns - 1) / number.group_columns;
  int64_t count = 0;
  return __builtin_mul_overflow(row_groups, column_groups, &count) ? -1 : count;
}

inline Status check_numbers(const Format& format, const HostTensor& tensor, int64_t rows, int64_t columns) {
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

}  // namespace trireme
