#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

double cached(const Tensor& cache, int64_t index) {
  if (cache.desc->format == &formats::f16()) return f16_to_f32(cache.as<const uint16_t>()[index]);
  return cache.as<const float>()[index];
}

// Where the cache keeps head 0 of each position that a row attends, in elements from its start.
Result<std::vector<int64_t>> attended(const Attention& op, const Call& call, int64_t row) {
  const Tensor &cache = call.in[1], &table = call.in[3];
  const int64_t block_size = cache.size(2);
  const int64_t position = call.in[4].as<const int32_t>()[row];
  const int64_t sequence = call.in[5].as<const int32_t>()[row];
  if (sequence < 0 || sequence >= table.size(0) || position < 0 || position / block_size >= table.size(1))
    return fail(ErrorCode::kInvalidArgument, "attention row " + std::to_string(row),
                "position " + std::to_string(position) + " of sequence " + std::to_string(sequence) +
                    " is outside the block table " + table.desc->text());
  const int64_t first = op.window > 0 ? std::max<int64_t>(0, position - op.window + 1) : 0;
  std::vector<int64_t> starts;
  for (int64_t p = first; p <= position; ++p) {
    const int64_t block = table.as<const int32_t>()[sequence * table.size(1) + p / block_size];
    if (block < 0 || block >= cache.size(0))
      return fail(ErrorCode::kInvalidArgument, "block table",
                  "block " + std::to_string(block) + " is outside " + cache.desc->text());
    starts.push_back((block * cache.size(1) * block_size + p % block_size) * cache.size(3));
  }
  return starts;
}

void attend(const Attention& op, const float* q, const Tensor& k_cache, const Tensor& v_cache,
            const std::vector<int64_t>& starts, int64_t head_start, float* y) {
  const int64_t columns = k_cache.size(3);
  std::vector<double> weights;
  for (const int64_t start : starts) {
    double score = 0;
    for (int64_t i = 0; i < columns; ++i) score += double(q[i]) * cached(k_cache, start + head_start + i);
    score *= double(op.scale);
    if (op.softcap > 0) score = double(op.softcap) * std::tanh(score / double(op.softcap));
    weights.push_back(score);
  }
  const double largest = *std::max_element(weights.begin(), weights.end());
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  std::vector<double> sums(static_cast<size_t>(columns));
  for (size_t p = 0; p < starts.size(); ++p)
    for (int64_t i = 0; i < columns; ++i) sums[size_t(i)] += weights[p] * cached(v_cache, starts[p] + head_start + i);
  for (int64_t i = 0; i < columns; ++i) y[i] = float(sums[size_t(i)] / total);
}

}  // namespace

Status run(const Attention& op, const Call& call) {
  const Tensor &q = call.in[0], &k_cache = call.in[1], &v_cache = call.in[2];
  TRIREME_ASSIGN(const int64_t rows, call.rows(q));
  const int64_t heads = q.size(1), columns = q.size(2), group = heads / k_cache.size(1);
  const int64_t head_stride = k_cache.size(2) * columns;
  std::vector<float> row(size_t(heads * columns));
  for (int64_t r = 0; r < rows; ++r) {
    TRIREME_ASSIGN(const std::vector<int64_t> starts, attended(op, call, r));
    float* y = op.quantize ? row.data() : call.out[0].as<float>() + r * heads * columns;
    for (int64_t h = 0; h < heads; ++h)
      attend(op, q.as<const float>() + (r * heads + h) * columns, k_cache, v_cache, starts, h / group * head_stride,
             y + h * columns);
    if (op.quantize)
      quantize(y, heads * columns, call.out[0].data + r * call.out[0].desc->format->row_bytes(heads * columns));
  }
  return {};
}

}  // namespace trireme::reference
