#include <cmath>
#include <vector>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {

void normalize(const RmsNorm& op, const float* x, const float* weight, int64_t columns, float* y) {
  double squares = 0;
  for (int64_t i = 0; i < columns; ++i) squares += double(x[i]) * double(x[i]);
  const double factor = 1.0 / std::sqrt(squares / double(columns) + double(op.epsilon));
  for (int64_t i = 0; i < columns; ++i)
    y[i] = float(double(x[i]) * factor * (double(op.weight_offset) + double(weight[i])));
}

Status run(const RmsNorm& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t entries, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  const int64_t rows = entries * call.in[0].stride() / columns;
  const float* x = call.in[0].as<const float>();
  float* y = call.out[0].as<float>();
  for (int64_t r = 0; r < rows; ++r)
    normalize(op, x + r * columns, call.in[1].as<const float>(), columns, y + r * columns);
  return {};
}

Status run(const FusedNorm& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  const Tensor& target = call.out[op.has_residual ? 1 : 0];
  const auto target_bytes = target.desc->format->row_bytes(columns);
  const float* weight = call.in[op.has_residual ? 2 : 1].as<const float>();
  std::vector<float> normalized(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = call.in[0].as<const float>() + r * columns;
    if (op.has_residual) {
      const float* residual = call.in[1].as<const float>() + r * columns;
      float* sum = call.out[0].as<float>() + r * columns;
      for (int64_t i = 0; i < columns; ++i) sum[i] = x[i] + residual[i];
      x = sum;
    }
    normalize(op.norm, x, weight, columns, normalized.data());
    std::byte* row = target.data + r * target_bytes;
    if (op.quantize)
      quantize(normalized.data(), columns, row);
    else
      std::copy(normalized.begin(), normalized.end(), reinterpret_cast<float*>(row));
  }
  return {};
}

}  // namespace trireme::reference
