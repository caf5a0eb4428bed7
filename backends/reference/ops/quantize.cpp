#include <algorithm>
#include <cmath>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {

void quantize(const float* x, int64_t columns, std::byte* row) {
  const int64_t groups = columns / 32;
  auto* codes = reinterpret_cast<int8_t*>(row);
  auto* scales = reinterpret_cast<float*>(row + columns);
  auto* sums = reinterpret_cast<int32_t*>(row + columns + 4 * groups);
  for (int64_t group = 0; group < groups; ++group) {
    float largest = 0;
    for (int64_t i = 32 * group; i < 32 * (group + 1); ++i) largest = std::max(largest, std::fabs(x[i]));
    const float scale = largest / 127.0f;
    int32_t sum = 0;
    for (int64_t i = 32 * group; i < 32 * (group + 1); ++i) {
      const float quotient = scale == 0 ? 0.0f : std::nearbyint(x[i] / scale);
      // A subnormal scale may be rounded so far that a quotient passes 127.
      codes[i] = std::isnan(quotient) ? int8_t(0) : int8_t(std::clamp(quotient, -127.0f, 127.0f));
      sum += codes[i];
    }
    scales[group] = scale;
    sums[group] = sum;
  }
}

Status run(const QuantizeQ8&, const Call& call) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(call.in[0]));
  const int64_t columns = call.in[0].columns();
  const auto row_bytes = call.out[0].desc->format->row_bytes(columns);
  for (int64_t r = 0; r < rows; ++r)
    quantize(call.in[0].as<const float>() + r * columns, columns, call.out[0].data + r * row_bytes);
  return {};
}

}  // namespace trireme::reference
