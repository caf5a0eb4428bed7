#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

// Whether a comes before b wherever they stand: a larger number, or any number before a NaN.
bool before(float a, float b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

}  // namespace

Status run(const Softmax&, const Call& call) {
  TRIREME_ASSIGN(const int64_t entries, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  const int64_t rows = entries * call.in[0].stride() / columns;
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = call.in[0].as<const float>() + r * columns;
    float* y = call.out[0].as<float>() + r * columns;
    const double largest = *std::max_element(x, x + columns);
    double total = 0;
    for (int64_t i = 0; i < columns; ++i) total += std::exp(double(x[i]) - largest);
    for (int64_t i = 0; i < columns; ++i) y[i] = float(std::exp(double(x[i]) - largest) / total);
  }
  return {};
}

Status run(const Argmax&, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = call.in[0].as<const float>() + r * columns;
    call.out[0].as<int32_t>()[r] = int32_t(std::min_element(x, x + columns, before) - x);
  }
  return {};
}

Status run(const TopK& op, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  std::vector<int32_t> order(static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = call.in[0].as<const float>() + r * columns;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return before(x[a], x[b]); });
    for (int64_t i = 0; i < op.k; ++i) {
      call.out[0].as<float>()[r * op.k + i] = x[order[size_t(i)]];
      call.out[1].as<int32_t>()[r * op.k + i] = order[size_t(i)];
    }
  }
  return {};
}

}  // namespace trireme::reference
