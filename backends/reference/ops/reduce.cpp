#include <algorithm>
#include <cmath>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {

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
    call.out[0].as<int32_t>()[r] = int32_t(std::max_element(x, x + columns) - x);
  }
  return {};
}

}  // namespace trireme::reference
