#include "tests/conformance/case_builder.h"

#include <algorithm>
#include <limits>

namespace trireme::conformance {

void CaseBuilder::rows(RowDomain domain, int32_t count) {
  domain_ = domain;
  count_ = count;
  if (domain == RowDomain::kTokens) case_.token_count = count;
  if (domain == RowDomain::kOutputs) case_.output_count = count;
}

void CaseBuilder::f32(const Shape& shape, Fill fill) {
  const double size = fill == Fill::kLarge ? 1e4 : fill == Fill::kSmall ? 1e-12 : 2.0;
  const int64_t row = shape.elements() / shape[0];
  std::vector<float> values;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const auto value = float(random_.uniform(-size, size));
    const bool zero = fill == Fill::kZeroRow && i < row;
    values.push_back(i / row >= counted(shape[0]) ? std::numeric_limits<float>::quiet_NaN() : zero ? 0.0f : value);
  }
  floats({shape, &formats::f32(), domain_}, values, false);
}

void CaseBuilder::i32(const std::vector<int32_t>& values, int64_t columns) {
  std::vector<int32_t> kept = values;
  const int64_t each = std::max<int64_t>(columns, 1), rows = int64_t(values.size()) / each;
  for (size_t i = size_t(counted(rows) * each); i < kept.size(); ++i) kept[i] = std::numeric_limits<int32_t>::max();
  const Shape shape = columns == 0 ? Shape{rows} : Shape{rows, columns};
  case_.op.inputs.push_back({{shape, &formats::i32(), domain_}, false});
  case_.inputs.push_back(bytes_of(kept));
}

void CaseBuilder::floats(const TensorDesc& desc, const std::vector<float>& values, bool constant) {
  case_.op.inputs.push_back({desc, constant});
  case_.inputs.push_back(bytes_of(values));
}

void CaseBuilder::integers(const Shape& shape, const std::vector<int32_t>& values) {
  case_.op.inputs.push_back({{shape, &formats::i32(), RowDomain::kFixed}, false});
  case_.inputs.push_back(bytes_of(values));
}

void CaseBuilder::q8(int64_t rows, int64_t columns, float scale, bool extreme) {
  Bytes bytes;
  const auto append = [&](const Bytes& part) { bytes.insert(bytes.end(), part.begin(), part.end()); };
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<int8_t> codes;
    std::vector<float> scales;
    std::vector<int32_t> sums;
    for (int64_t i = 0; i < columns; ++i) {
      if (i % 32 == 0) {
        scales.push_back(extreme && r == 0 ? 0.0f : float(random_.uniform(0.5, 1.0)) * scale);
        sums.push_back(0);
      }
      const int64_t sign = r % 2 || random_.integer(0, 1) ? 1 : -1;
      codes.push_back(extreme ? int8_t(r == 0 ? 0 : 127 * sign) : int8_t(random_.integer(-127, 127)));
      sums.back() += codes.back();
    }
    if (r >= counted(rows)) scales.assign(scales.size(), std::numeric_limits<float>::quiet_NaN());
    append(bytes_of(codes));
    append(bytes_of(scales));
    append(bytes_of(sums));
  }
  case_.op.inputs.push_back({{{rows, columns}, &formats::q8_act(), domain_}, false});
  case_.inputs.push_back(std::move(bytes));
}

Status CaseBuilder::weight(const Format& format, const Shape& shape, Magnitudes magnitudes) {
  TRIREME_ASSIGN(Packed packed, random_packed(format, shape.rows(), shape.back(), magnitudes, random_));
  case_.op.inputs.push_back({{shape, &format, RowDomain::kFixed}, true});
  case_.inputs.push_back(std::move(packed.data));
  case_.planes.resize(case_.inputs.size());
  case_.planes.back() = std::move(packed.planes);
  return {};
}

void CaseBuilder::vector(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(float(random_.uniform(-1.5, 1.5)));
  const double choice = random_.uniform(0, 3);
  if (choice < 1) return floats({{count}, &formats::f32(), RowDomain::kFixed}, values, true);
  const bool half = choice < 2;
  std::vector<uint16_t> bits;
  for (const float value : values) bits.push_back(half ? f32_to_f16(value) : f32_to_bf16(value));
  case_.op.inputs.push_back({{{count}, half ? &formats::f16() : &formats::bf16(), RowDomain::kFixed}, true});
  case_.inputs.push_back(bytes_of(bits));
}

void CaseBuilder::cache(const Format& format, const Shape& shape) {
  std::vector<float> values;
  for (int64_t i = 0; i < shape.elements(); ++i) values.push_back(float(random_.uniform(-2, 2)));
  if (&format == &formats::f32()) return floats({shape, &format, RowDomain::kFixed}, values, false);
  std::vector<uint16_t> halves;
  for (const float value : values) halves.push_back(f32_to_f16(value));
  case_.op.inputs.push_back({{shape, &format, RowDomain::kFixed}, false});
  case_.inputs.push_back(bytes_of(halves));
}

Case CaseBuilder::build(OpParams params) {
  case_.op.params = std::move(params);
  case_.op.label = case_.name;
  return std::move(case_);
}

}  // namespace trireme::conformance
