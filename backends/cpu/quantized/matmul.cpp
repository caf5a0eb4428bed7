#include "backends/cpu/quantized/matmul.h"

#include <algorithm>

#include "backends/cpu/quantized/chunk_plan.h"
#include "backends/cpu/quantized/micro_kernel.h"

namespace trireme::cpu::quantized {
namespace {

// One weight matrix with the micro kernel that reads it.
class Multiplier {
 public:
  explicit Multiplier(std::shared_ptr<const PackedWeight> weight)
      : weight_(std::move(weight)), kernel_(find_micro_kernel(weight_->codec())) {}

  const PackedWeight& weight() const { return *weight_; }
  PanelNeeds panel_needs() const {
    const CodecRecord& record = codec_record(weight_->codec());
    return {record.group, kernel_.offset, record.has_minimum};
  }
  bool has_width(size_t index) const { return kernel_.by_width[index] != nullptr; }

  // sums[width][16] for one tile.
  void multiply(size_t width_index, int64_t tile, const Panel& panel, float* sums) const {
    kernel_.by_width[width_index](weight_->tile(tile), weight_->columns() / kActGroup, panel, sums);
  }

 private:
  std::shared_ptr<const PackedWeight> weight_;
  MicroKernel kernel_;
};

// The panel for the next of `left` rows: the widest that they fill for the greater part.
struct PanelSize {
  size_t width_index;
  int count;
};
PanelSize next_panel(const Multiplier& multiplier, int64_t left) {
  for (size_t i = kWidths.size() - 1; i > 0; --i)
    if (multiplier.has_width(i) && 2 * left >= kWidths[i]) return {i, int(std::min<int64_t>(left, kWidths[i]))};
  return {0, 1};
}

int64_t tile_pairs(const PackedWeight& weight) { return (weight.tiles() + 1) / 2; }

class MatmulKernel final : public Kernel {
 public:
  MatmulKernel(std::shared_ptr<const PackedWeight> weight, std::vector<float> bias, bool has_residual, int threads)
      : multiplier_(std::move(weight)), bias_(std::move(bias)), has_residual_(has_residual), threads_(threads) {}

  int64_t chunks(int, const KernelArgs& args) const override { return plan(args.rows).chunks(); }
  uint64_t workspace_bytes() const override {
    return matmul_workspace_bytes(multiplier_.weight().columns(), threads_);
  }

  void run(int, int64_t chunk, int worker, const KernelArgs& args) const override {
    const PackedWeight& weight = multiplier_.weight();
    const ChunkPlan cut = plan(args.rows);
    const int64_t first_tile = chunk / cut.row_chunks() * cut.pairs_a_chunk * 2;
    const int64_t end_tile = std::min(weight.tiles(), first_tile + cut.pairs_a_chunk * 2);
    const int64_t first_row = chunk % cut.row_chunks() * cut.rows_a_chunk;
    const int64_t end_row = std::min(args.rows, first_row + cut.rows_a_chunk);
    Q8Rows rows{args.operands[0], weight.columns()};
    alignas(64) float sums[kMaxWidth * kTileRows];
    for (int64_t row = first_row; row < end_row;) {
      const auto [width_index, count] = next_panel(multiplier_, end_row - row);
      rows.data = args.operands[0] + size_t(row) * rows.row_bytes();
      const Panel panel = make_panel(rows, count, kWidths[width_index], multiplier_.panel_needs(),
                                     args.workspace + size_t(worker) * scratch_bytes());
      for (int64_t tile = first_tile; tile < end_tile; ++tile) {
        multiplier_.multiply(width_index, tile, panel, sums);
        for (int column = 0; column < count; ++column)
          write(args, row + column, tile * kTileRows, sums + column * kTileRows);
      }
      row += count;
    }
  }

 private:
  ChunkPlan plan(int64_t rows) const {
    const PackedWeight& weight = multiplier_.weight();
    return plan_chunks(tile_pairs(weight), 2 * weight.tile_bytes(), weight.columns(), rows, threads_);
  }
  size_t scratch_bytes() const { return panel_bytes(multiplier_.weight().columns()); }

  void write(const KernelArgs& args, int64_t row, int64_t first, const float* sums) const {
    const int64_t outputs = multiplier_.weight().rows();
    const int64_t count = std::min<int64_t>(kTileRows, outputs - first);
    float* target = args.operand<float>(has_residual_ ? 2 : 1) + row * outputs + first;
    const float* residual = has_residual_ ? args.operand<const float>(1) + row * outputs + first : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      float value = sums[i];
      if (!bias_.empty()) value += bias_[size_t(first + i)];
      if (residual != nullptr) value += residual[i];
      target[i] = value;
    }
  }

  Multiplier multiplier_;
  std::vector<float> bias_;
  bool has_residual_;
  int threads_;
};

}  // namespace

uint64_t matmul_workspace_bytes(int64_t columns, int threads) { return panel_bytes(columns) * uint64_t(threads); }

std::unique_ptr<const Kernel> make_matmul(std::shared_ptr<const PackedWeight> weight, std::vector<float> bias,
                                          bool has_residual, int threads) {
  return std::make_unique<MatmulKernel>(std::move(weight), std::move(bias), has_residual, threads);
}

const char* kernel_target() { return find_micro_kernel(Codec::kQ8_0).target; }

}  // namespace trireme::cpu::quantized
