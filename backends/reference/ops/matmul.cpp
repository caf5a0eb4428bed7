#include <vector>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

// Sums that do not depend on each other, in a fixed order, so that the loop can use vector registers.
constexpr int64_t kLanes = 8;

double dot(const float* a, const float* b, int64_t count) {
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += double(a[i + lane]) * double(b[i + lane]);
  for (; i < count; ++i) sums[i % kLanes] += double(a[i]) * double(b[i]);
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

// The dot product of a weight row with a Q8_ACT row: groups of 32 codes under one scale.
double dot_q8(const float* weight, const std::byte* row, int64_t columns) {
  const auto* codes = reinterpret_cast<const int8_t*>(row);
  const auto* scales = reinterpret_cast<const float*>(row + columns);
  double sum = 0;
  for (int64_t group = 0; group < columns / 32; ++group) {
    double sums[kLanes] = {};
    for (int64_t i = 32 * group; i < 32 * (group + 1); i += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += double(weight[i + lane]) * double(codes[i + lane]);
    double group_sum = 0;
    for (const double lane : sums) group_sum += lane;
    sum += double(scales[group]) * group_sum;
  }
  return sum;
}

float product(ActScheme act, const float* weight, const std::byte* row, int64_t columns) {
  if (act == ActScheme::kQ8) return float(dot_q8(weight, row, columns));
  return float(dot(reinterpret_cast<const float*>(row), weight, columns));
}

// y[R, N] = x W^T over the first `rows` rows of x.
void multiply(ActScheme act, const Tensor& x, const Tensor& weight, int64_t rows, float* y) {
  const int64_t columns = x.columns(), n = weight.size(0);
  const auto row_bytes = x.desc->format->row_bytes(columns);
  for (int64_t i = 0; i < n; ++i) {
    const float* w = weight.as<const float>() + i * columns;
    for (int64_t r = 0; r < rows; ++r) y[r * n + i] = product(act, w, x.data + r * row_bytes, columns);
  }
}

}  // namespace

Status run(const Matmul& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t n = call.out[0].columns();
  float* y = call.out[0].as<float>();
  const float* bias = op.has_bias ? call.in[2].as<const float>() : nullptr;
  const float* residual = op.has_residual ? call.in[op.has_bias ? 3 : 2].as<const float>() : nullptr;
  multiply(op.act, call.in[0], call.in[1], rows, y);
  for (int64_t i = 0; i < rows * n; ++i) {
    if (bias) y[i] += bias[i % n];
    if (residual) y[i] += residual[i];
  }
  return {};
}

Status run(const GroupedMatmul& op, const Call& call) {
  const Tensor &x = call.in[0], &weight = call.in[1], &ids = call.in[2];
  TRIREME_ASSIGN(const int64_t rows, call.rows(x));
  const int64_t columns = x.columns(), slots = ids.columns(), n = weight.size(1);
  const auto row_bytes = x.desc->format->row_bytes(columns);
  for (int64_t i = 0; i < rows * slots; ++i) {
    const int64_t expert = ids.as<const int32_t>()[i];
    const bool exists = expert >= 0 && expert < weight.size(0);
    const float* w = weight.as<const float>() + (exists ? expert * n * columns : 0);
    float* y = call.out[0].as<float>() + i * n;
    for (int64_t c = 0; c < n; ++c)
      y[c] = exists ? product(op.act, w + c * columns, x.data + i / slots * row_bytes, columns) : 0;
  }
  return {};
}

Status run(const MatmulGlu& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t n = call.out[0].columns();
  std::vector<float> gate(size_t(rows * n)), up(size_t(rows * n));
  multiply(op.act, call.in[0], call.in[1], rows, gate.data());
  multiply(op.act, call.in[0], call.in[2], rows, up.data());
  for (size_t i = 0; i < gate.size(); ++i) gate[i] = activate(op.activation, gate[i]) * up[i];
  const auto row_bytes = call.out[0].desc->format->row_bytes(n);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = gate.data() + r * n;
    std::byte* target = call.out[0].data + r * row_bytes;
    if (op.quantize)
      quantize(row, n, target);
    else
      std::copy(row, row + n, reinterpret_cast<float*>(target));
  }
  return {};
}

}  // namespace trireme::reference
