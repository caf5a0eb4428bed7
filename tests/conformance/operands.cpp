#include "tests/conformance/operands.h"

#include <cmath>

#include "hal/format_decoder.h"

namespace trireme::conformance {
namespace {

std::vector<double> decode_q8(const Bytes& bytes, int64_t columns) {
  std::vector<double> values;
  const auto row_bytes = size_t(formats::q8_act().row_bytes(columns));
  for (size_t start = 0; start + row_bytes <= bytes.size(); start += row_bytes) {
    const auto scales = values_of<float>(Bytes(bytes.begin() + std::ptrdiff_t(start) + columns,
                                               bytes.begin() + std::ptrdiff_t(start) + columns + columns / 8));
    for (int64_t i = 0; i < columns; ++i)
      values.push_back(double(scales[size_t(i / 32)]) * double(int8_t(bytes[start + size_t(i)])));
  }
  return values;
}

std::vector<double> magnitudes(const std::vector<double>& values) {
  std::vector<double> result;
  result.reserve(values.size());
  for (const double value : values) result.push_back(std::fabs(value));
  return result;
}

Result<std::vector<double>> packed_terms(const HostTensor& tensor, const IntegerCodes& shape) {
  const int64_t rows = tensor.desc.shape.rows(), columns = tensor.desc.shape.back();
  std::vector<int8_t> codes(size_t(rows * columns));
  std::vector<float> scales(codes.size() / size_t(shape.group)), minima(shape.has_minimum ? scales.size() : 0);
  TRIREME_TRY(decode_integer_rows(tensor, 0, rows, codes, scales, minima));
  std::vector<double> terms;
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t group = i / size_t(shape.group);
    terms.push_back(std::fabs(double(scales[group]) * codes[i]) +
                    (minima.empty() ? 0 : std::fabs(double(minima[group]))));
  }
  return terms;
}

}  // namespace

std::vector<double> decode_plain(const Format& format, const Bytes& bytes) {
  std::vector<double> values;
  const auto append = [&](const auto& numbers, auto convert) {
    values.reserve(numbers.size());
    for (const auto number : numbers) values.push_back(double(convert(number)));
  };
  if (format.plain == DType::kF32) append(values_of<float>(bytes), [](float value) { return value; });
  if (format.plain == DType::kI32) append(values_of<int32_t>(bytes), [](int32_t value) { return value; });
  if (format.plain == DType::kF16) append(values_of<uint16_t>(bytes), f16_to_f32);
  if (format.plain == DType::kBF16) append(values_of<uint16_t>(bytes), bf16_to_f32);
  return values;
}

Result<Numbers> numbers_of(const Case& test, size_t i) {
  const TensorDesc& desc = test.op.inputs[i].desc;
  Numbers numbers;
  if (desc.format == &formats::q8_act()) {
    numbers.values = decode_q8(test.inputs[i], desc.shape.back());
  } else if (!test.op.inputs[i].constant) {
    numbers.values = decode_plain(*desc.format, test.inputs[i]);
  } else {
    std::vector<float> values(size_t(desc.shape.elements()));
    TRIREME_TRY(decode_rows(test.constant(i), 0, desc.shape.rows(), values));
    numbers.values.assign(values.begin(), values.end());
    const auto codes = integer_codes(*desc.format);
    if (codes && desc.shape.back() % codes->group == 0) {
      TRIREME_ASSIGN(numbers.terms, packed_terms(test.constant(i), *codes));
      return numbers;
    }
  }
  numbers.terms = magnitudes(numbers.values);
  return numbers;
}

int64_t counted_rows(const Case& test, const TensorDesc& desc) {
  const int64_t capacity = desc.shape[0];
  if (desc.rows == RowDomain::kTokens) return test.token_count.value_or(int32_t(capacity));
  if (desc.rows == RowDomain::kOutputs) return test.output_count.value_or(int32_t(capacity));
  return capacity;
}

}  // namespace trireme::conformance
