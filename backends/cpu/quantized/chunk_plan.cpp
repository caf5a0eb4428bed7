#include "backends/cpu/quantized/chunk_plan.h"

#include <algorithm>

#include "backends/cpu/quantized/panel.h"

namespace trireme::cpu::quantized {
namespace {

// Rough speeds of one thread: what matters is that chunks take some microseconds, not how many exactly.
constexpr double kBytesANs = 16;
constexpr double kProductsANs = 120;
constexpr double kSmallestChunkNs = 3000;
constexpr double kLargestChunkNs = 60000;
constexpr size_t kCachedBytes = size_t(384) << 10;  // tiles that stay in a second-level cache from panel to panel

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

ChunkPlan plan_chunks(int64_t pairs, size_t pair_bytes, int64_t columns, int64_t rows, int threads) {
  ChunkPlan plan{pairs, rows, pairs, std::min<int64_t>(rows, kMaxWidth)};
  const double pair_ns =
      std::max(double(pair_bytes) / kBytesANs, double(plan.rows_a_chunk * columns) * 32 / kProductsANs);
  const int64_t row_chunks = plan.row_chunks();
  if (row_chunks > 1) plan.pairs_a_chunk = std::clamp<int64_t>(int64_t(kCachedBytes / pair_bytes), 1, pairs);
  const double total_ns = pair_ns * double(pairs * row_chunks);
  // Enough chunks for the threads to share the work evenly, but none too small to be worth claiming.
  const auto wanted = std::max<int64_t>(int64_t(total_ns / kLargestChunkNs), 4 * threads);
  const auto most = std::max<int64_t>(int64_t(total_ns / kSmallestChunkNs), 1);
  int64_t ranges = divide_up(std::min(wanted, most), row_chunks);
  if (ranges > threads && row_chunks == 1) ranges = divide_up(ranges, threads) * threads;
  plan.pairs_a_chunk = std::min(plan.pairs_a_chunk, divide_up(pairs, std::min(ranges, pairs)));
  return plan;
}

}  // namespace trireme::cpu::quantized
