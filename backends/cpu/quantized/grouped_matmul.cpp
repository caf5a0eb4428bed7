#include "backends/cpu/quantized/grouped_matmul.h"

#include <cstring>

#include "backends/cpu/quantized/chunk_plan.h"
#include "backends/cpu/quantized/multiplier.h"

namespace trireme::cpu::quantized {
namespace {

// An expert's rows of the weight need not begin or end with a tile: those of its neighbours are left out.
class GroupedMatmulKernel final : public ExpertKernel {
 public:
  GroupedMatmulKernel(std::shared_ptr<const PackedWeight> weight, const ExpertSizes& sizes, int threads)
      : ExpertKernel(sizes, 1), multiplier_(std::move(weight)), threads_(threads) {}

  uint64_t workspace_bytes() const override {
    return grouped_matmul_workspace_bytes(sizes(), weight().columns(), threads_);
  }

 private:
  const PackedWeight& weight() const { return multiplier_.weight(); }
  int64_t first_tile(int64_t expert) const { return expert * sizes().outputs / kTileRows; }
  int64_t end_tile(int64_t expert) const { return ((expert + 1) * sizes().outputs + kTileRows - 1) / kTileRows; }

  // The same for all experts: as if each touched as many tiles as any can.
  ChunkPlan plan(int64_t count) const {
    const int64_t outputs = sizes().outputs, tiles = (outputs + kTileRows - 1) / kTileRows;
    const int64_t pairs = (tiles + (outputs % kTileRows != 0 ? 2 : 1)) / 2;
    return plan_chunks(pairs, 2 * weight().tile_bytes(), weight().columns(), count, threads_);
  }
  int64_t expert_chunks(int64_t count) const override { return plan(count).chunks(); }

  void run_expert(const KernelArgs& args, const ExpertRows& used, int64_t chunk, int worker) const override {
    const ChunkPlan cut = plan(used.count);
    const int64_t first_pair = chunk / cut.row_chunks() * cut.pairs_a_chunk;
    const int64_t first_row = chunk % cut.row_chunks() * cut.rows_a_chunk;
    const int64_t end_row = std::min(used.count, first_row + cut.rows_a_chunk);
    const int64_t begin = first_tile(used.expert) + 2 * first_pair;
    const int64_t end = std::min(end_tile(used.expert), begin + 2 * cut.pairs_a_chunk);
    std::byte* of_worker = scratch(args) + size_t(worker) * panel_bytes(weight().columns());
    for (int64_t row = first_row; row < end_row;) {
      const PanelRows rows = multiplier_.next_panel(row, end_row - row);
      const Q8Rows x{args.operands[0], weight().columns(), used.rows + row};
      const Panel panel = make_panel(x, rows.count, rows.width(), multiplier_.panel_needs(), of_worker);
      PairSums sums;
      for (int64_t tile = begin; tile < end; tile += 2) {
        multiplier_.multiply_pair(rows.width_index, tile, end, panel, sums);
        store(args, used, rows, tile, end, sums);
      }
      row += rows.count;
    }
  }

  // What the expert has of the pair.
  void store(const KernelArgs& args, const ExpertRows& used, const PanelRows& rows, int64_t tile, int64_t end_tile,
             const PairSums& sums) const {
    const int64_t first = used.expert * sizes().outputs, start = tile * kTileRows;
    const int64_t begin = std::max(start, first);
    const int64_t end = std::min(std::min(tile + 2, end_tile) * kTileRows, first + sizes().outputs);
    if (begin >= end) return;
    for (int column = 0; column < rows.count; ++column)
      std::memcpy(output(args, used.places[rows.first + column]) + (begin - first),
                  sums.values + column * 2 * kTileRows + (begin - start), size_t(end - begin) * sizeof(float));
  }

  Multiplier multiplier_;
  int threads_;
};

}  // namespace

uint64_t grouped_matmul_workspace_bytes(const ExpertSizes& sizes, int64_t columns, int threads) {
  return expert_order_bytes(sizes) + panel_bytes(columns) * uint64_t(threads);
}

std::unique_ptr<const Kernel> make_grouped_matmul(std::shared_ptr<const PackedWeight> weight, const ExpertSizes& sizes,
                                                  int threads) {
  return std::make_unique<GroupedMatmulKernel>(std::move(weight), sizes, threads);
}

}  // namespace trireme::cpu::quantized
