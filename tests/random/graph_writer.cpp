#include "tests/random/graph_writer.h"

#include <cmath>
#include <limits>

#include "hal/op_check.h"

namespace trireme::random {

using conformance::bytes_of;
using graph::ValueId;

namespace {

constexpr int64_t kCapacities[] = {1, 1, 1, 2, 3, 5, 7, 8, 13, 17, 32, 37};

template <typename T>
std::vector<T> padded(std::vector<T> values, int64_t capacity, T padding) {
  values.resize(size_t(capacity), padding);
  return values;
}

}  // namespace

GraphWriter::GraphWriter(const std::string& seed) : random_("graph " + seed) {
  rows_.tokens = one_of(kCapacities);
  rows_.outputs = random_.integer(1, std::min<int64_t>(rows_.tokens, 5));
  made_.token_count = int32_t(chance(40) ? rows_.tokens : random_.integer(1, rows_.tokens));
  made_.output_count = int32_t(random_.integer(1, rows_.outputs));
}

std::vector<ValueId> GraphWriter::add_all(OpParams params, std::vector<ValueId> inputs) {
  const int outputs = op_arity(params).outputs;
  const std::string label = std::string(op_name(params));
  auto added = graph().add_node(std::move(params), inputs, label, 0);
  if (added) return *added;
  if (status_) status_ = fail(std::move(added).error(), "generating");
  return std::vector<ValueId>(size_t(outputs), inputs[0]);
}

ValueId GraphWriter::add(OpParams params, std::vector<ValueId> inputs) {
  return add_all(std::move(params), std::move(inputs)).front();
}

ValueId GraphWriter::reshape(ValueId value, const Shape& shape) {
  auto added = graph().add_reshape(value, shape, "reshape", 0);
  if (!added && status_) status_ = fail(std::move(added).error(), "generating");
  return added.value_or(value);
}

ValueId GraphWriter::cast(ValueId value, const Format& format) {
  auto added = graph().add_cast(value, format, "cast", 0);
  if (!added && status_) status_ = fail(std::move(added).error(), "generating");
  return added.value_or(value);
}

ValueId GraphWriter::input(const TensorDesc& desc, Bytes bytes) {
  const std::string own = name("in");
  made_.contents[own] = std::move(bytes);
  return graph().add_input(own, desc);
}

ValueId GraphWriter::float_rows(int64_t columns, RowDomain domain) {
  const int64_t capacity = domain == RowDomain::kTokens ? rows_.tokens : rows_.outputs;
  std::vector<float> values;
  for (int64_t i = 0; i < count(domain) * columns; ++i) values.push_back(float(random_.uniform(-2, 2)));
  if (chance(5)) std::fill(values.begin(), values.begin() + columns, 0.0f);
  return input({{capacity, columns}, &formats::f32(), domain},
               bytes_of(padded(values, capacity * columns, std::numeric_limits<float>::quiet_NaN())));
}

ValueId GraphWriter::row_numbers(const std::vector<int32_t>& numbers, RowDomain domain, int64_t columns) {
  const int64_t capacity = domain == RowDomain::kTokens ? rows_.tokens : rows_.outputs;
  const Shape shape = columns == 0 ? Shape{capacity} : Shape{capacity, columns};
  return input({shape, &formats::i32(), domain},
               bytes_of(padded(numbers, shape.elements(), std::numeric_limits<int32_t>::max())));
}

ValueId GraphWriter::table(const Shape& shape, const std::vector<int32_t>& numbers) {
  return input({shape, &formats::i32(), RowDomain::kFixed}, bytes_of(numbers));
}

ValueId GraphWriter::weight(const Format& format, int64_t rows, int64_t columns) {
  return weight(format, Shape{rows, columns});
}

ValueId GraphWriter::weight(const Format& format, const Shape& shape) {
  const std::string own = name("weight");
  auto packed =
      conformance::random_packed(format, shape.rows(), shape.back(), conformance::Magnitudes::kUsual, random_);
  if (packed) {
    made_.contents[own] = std::move(packed->data);
    if (!packed->planes.empty()) made_.planes[own] = std::move(packed->planes);
  } else if (status_) {
    status_ = fail(std::move(packed).error(), "generating");
  }
  return graph().add_weight(own, {shape, &format, RowDomain::kFixed});
}

ValueId GraphWriter::vector(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(float(random_.uniform(-1.5, 1.5)));
  const std::string own = name("vector");
  const int64_t choice = random_.integer(0, 2);
  if (choice == 0) {
    made_.contents[own] = bytes_of(values);
    return graph().add_weight(own, {{count}, &formats::f32(), RowDomain::kFixed});
  }
  std::vector<uint16_t> bits;
  for (const float value : values) bits.push_back(choice == 1 ? f32_to_f16(value) : f32_to_bf16(value));
  made_.contents[own] = bytes_of(bits);
  return graph().add_weight(own, {{count}, choice == 1 ? &formats::f16() : &formats::bf16(), RowDomain::kFixed});
}

ValueId GraphWriter::frequencies(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(std::pow(10000.0f, -float(i) / float(count)));
  return graph().add_constant(name("frequencies"), {{count}, &formats::f32(), RowDomain::kFixed}, values);
}

ValueId GraphWriter::cache(const Format& format, const Shape& shape) {
  const std::string own = name("cache");
  std::vector<float> values;
  for (int64_t i = 0; i < shape.elements(); ++i) values.push_back(float(random_.uniform(-2, 2)));
  std::vector<uint16_t> halves;
  for (const float value : values) halves.push_back(f32_to_f16(value));
  made_.contents[own] = &format == &formats::f32() ? bytes_of(values) : bytes_of(halves);
  return graph().add_state(own, {shape, &format, RowDomain::kFixed});
}

const Format& GraphWriter::weight_format(int64_t columns) {
  std::vector<const Format*> fitting;
  for (const Format* format : builtin_formats())
    if (has_float_values(*format) && columns % format->block_elements == 0) fitting.push_back(format);
  return *fitting[size_t(random_.integer(0, int64_t(fitting.size()) - 1))];
}

int64_t GraphWriter::rows_for(const Format& format, int64_t wanted) {
  return (wanted + format.block_rows - 1) / format.block_rows * format.block_rows;
}

}  // namespace trireme::random
