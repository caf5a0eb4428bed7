#include <cmath>
#include <vector>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {

void rotate(const Rope& op, const float* x, int32_t position, const Tensor& frequencies, int64_t columns, float* y) {
  const int64_t pairs = frequencies.size(0);
  for (int64_t i = 0; i < pairs; ++i) {
    const bool halves = op.style == RopeStyle::kHalves;
    const int64_t a = halves ? i : 2 * i, b = halves ? i + pairs : 2 * i + 1;
    const double angle = float(position) * frequencies.as<const float>()[i];
    const double cosine = std::cos(angle) * double(op.magnitude), sine = std::sin(angle) * double(op.magnitude);
    const double xa = x[a], xb = x[b];
    y[a] = float(xa * cosine - xb * sine);
    y[b] = float(xa * sine + xb * cosine);
  }
  for (int64_t i = 2 * pairs; i < columns; ++i) y[i] = x[i];
}

namespace {

// Rotates the first `rows` rows of heads, each normalised first when there is a norm.
void rotate_rows(const Rope& op, const RmsNorm* norm, const Tensor* weight, const Tensor& x, const Tensor& positions,
                 const Tensor& frequencies, int64_t rows, float* y) {
  const int64_t heads = x.size(1), columns = x.size(2);
  std::vector<float> head(static_cast<size_t>(columns));
  for (int64_t i = 0; i < rows * heads; ++i) {
    const float* source = x.as<const float>() + i * columns;
    if (norm) normalize(*norm, source, weight->as<const float>(), columns, head.data());
    rotate(op, norm ? head.data() : source, positions.as<const int32_t>()[i / heads], frequencies, columns,
           y + i * columns);
  }
}

}  // namespace

Status run(const Rope& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  rotate_rows(op, nullptr, nullptr, call.in[0], call.in[1], call.in[2], rows, call.out[0].as<float>());
  return {};
}

Status run(const RopeStore& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const size_t next = op.has_norm ? 5 : 3;
  const Tensor &q = call.in[0], &k = call.in[1], &positions = call.in[next], &frequencies = call.in[next + 1];
  const RmsNorm* norm = op.has_norm ? &op.norm : nullptr;
  std::vector<float> rotated(size_t(rows * k.stride()));
  rotate_rows(op.rope, norm, &call.in[3], q, positions, frequencies, rows, call.out[0].as<float>());
  rotate_rows(op.rope, norm, &call.in[4], k, positions, frequencies, rows, rotated.data());
  const Tensor rotated_k{k.desc, reinterpret_cast<std::byte*>(rotated.data())};
  return store(call, rotated_k, call.in[2], call.in[next + 2], call.in[next + 3], call.in[next + 4]);
}

}  // namespace trireme::reference
