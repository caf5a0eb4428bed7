#include <cmath>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

// y[i] = function(x[i], i) over the rows that count.
template <typename Function>
Status for_each_element(const Call& call, Function function) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const float* x = call.in[0].as<const float>();
  float* y = call.out[0].as<float>();
  const int64_t count = rows * call.in[0].stride();
  for (int64_t i = 0; i < count; ++i) y[i] = function(x[i], i);
  return {};
}

float load(const Tensor& tensor, int64_t i) {
  switch (*tensor.desc->format->plain) {
    case DType::kF16: return f16_to_f32(tensor.as<const uint16_t>()[i]);
    case DType::kBF16: return bf16_to_f32(tensor.as<const uint16_t>()[i]);
    default: return tensor.as<const float>()[i];
  }
}

void save(const Tensor& tensor, int64_t i, float value) {
  switch (*tensor.desc->format->plain) {
    case DType::kF16: tensor.as<uint16_t>()[i] = f32_to_f16(value); break;
    case DType::kBF16: tensor.as<uint16_t>()[i] = f32_to_bf16(value); break;
    default: tensor.as<float>()[i] = value;
  }
}

}  // namespace

Status run(const Binary& op, const Call& call) {
  const Tensor& b = call.in[1];
  const float* values = b.as<const float>();
  const int64_t period = b.desc->shape.elements();  // of all elements, or of one row that is used again and again
  return for_each_element(call, [&](float a, int64_t i) {
    const float other = values[i % period];
    switch (op.kind) {
      case Binary::Kind::kAdd: return a + other;
      case Binary::Kind::kSubtract: return a - other;
      case Binary::Kind::kMultiply: return a * other;
    }
    return a;
  });
}

Status run(const Unary& op, const Call& call) {
  return for_each_element(call, [&](float x, int64_t) { return activate(op.activation, x); });
}

Status run(const Scale& op, const Call& call) {
  return for_each_element(call, [&](float x, int64_t) { return op.factor * x; });
}

Status run(const Softcap& op, const Call& call) {
  return for_each_element(call, [&](float x, int64_t) { return float(op.cap * std::tanh(double(x) / op.cap)); });
}

Status run(const Glu& op, const Call& call) {
  const float* up = call.in[1].as<const float>();
  return for_each_element(call, [&](float gate, int64_t i) { return activate(op.activation, gate) * up[i]; });
}

Status run(const Cast&, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t count = rows * call.in[0].stride();
  for (int64_t i = 0; i < count; ++i) save(call.out[0], i, load(call.in[0], i));
  return {};
}

// The output is the input's storage.
Status run(const Reshape&, const Call&) { return {}; }

}  // namespace trireme::reference
