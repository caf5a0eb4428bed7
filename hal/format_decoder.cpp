#include "hal/format_decoder.h"

#include "hal/format_reader-inl.h"

namespace trireme {
namespace {

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
  // To those groups that begin in the span; it need not be a whole number of them.
  const auto spread = [&](int64_t column, int64_t elements, float* target) {
    for (int64_t begin = (column + group - 1) / group * group; begin < column + elements; begin += group)
      target[begin / group] = factors[size_t((begin - column) / plan_->granule)];
  };
  for (int64_t i = 0; i < count; ++i) {
    reader.read_row(first + i, [&](SpanDecoder& span, int64_t column, int64_t elements) {
      const int64_t groups = i * (columns / group);
      span.decode_integer_codes(&codes[size_t(i * columns + column)]);
      span.decode_scale(factors.data());
      spread(column, elements, scales.data() + groups);
      if (!plan_->integer->has_minimum) return;
      span.decode_minimum(factors.data());
      spread(column, elements, minima.data() + groups);
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
