#include "backends/cpu/quantized/matmul.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "backends/cpu/quantized/chunk_plan.h"
#include "backends/cpu/quantized/glu.h"
#include "backends/cpu/quantized/multiplier.h"

namespace trireme::cpu::quantized {
namespace {

// The walk over a chunk's panels and tile pairs, for kernels that multiply one activation by one or two matrices.
class PairKernel : public Kernel {
 public:
  int64_t chunks(int, const KernelArgs& args) const override { return plan(args.rows).chunks(); }
  uint64_t workspace_bytes() const override {
    return matmul_workspace_bytes(first().weight().columns(), threads_, matrices());
  }

  void run(int, int64_t chunk, int worker, const KernelArgs& args) const override {
    const ChunkPlan cut = plan(args.rows);
    const int64_t first_pair = chunk / cut.row_chunks() * cut.pairs_a_chunk;
    const int64_t end_pair = std::min(cut.pairs, first_pair + cut.pairs_a_chunk);
    const int64_t first_row = chunk % cut.row_chunks() * cut.rows_a_chunk;
    const int64_t end_row = std::min(args.rows, first_row + cut.rows_a_chunk);
    std::byte* scratch = args.workspace + size_t(worker) * workspace_bytes() / size_t(threads_);
    Q8Rows rows{nullptr, first().weight().columns()};
    for (int64_t row = first_row; row < end_row;) {
      const PanelRows panel = first_.next_panel(row, end_row - row);
      rows.data = args.operands[0] + size_t(row) * rows.row_bytes();
      run_panel(args, rows, panel, first_pair, end_pair, scratch);
      row += panel.count;
    }
  }

 protected:
  PairKernel(std::shared_ptr<const PackedWeight> first, std::shared_ptr<const PackedWeight> second, int threads)
      : first_(std::move(first)), threads_(threads) {
    if (second != nullptr) second_.emplace(std::move(second));
  }

  const Multiplier& first() const { return first_; }
  const Multiplier& second() const { return *second_; }
  int64_t outputs() const { return first_.weight().rows(); }

  // Takes the results of one pair of tiles, whose first output is `output`; `second` is null without a second matrix.
  virtual void finish(const KernelArgs& args, const PanelRows& panel, int64_t output, PairSums& first,
                      PairSums* second) const = 0;

 private:
  int matrices() const { return second_ ? 2 : 1; }
  ChunkPlan plan(int64_t rows) const {
    const PackedWeight& weight = first_.weight();
    const size_t tile_bytes = weight.tile_bytes() + (second_ ? second_->weight().tile_bytes() : 0);
    return plan_chunks((weight.tiles() + 1) / 2, 2 * tile_bytes, weight.columns() * matrices(), rows, threads_);
  }

  void run_panel(const KernelArgs& args, const Q8Rows& rows, const PanelRows& panel, int64_t first_pair,
                 int64_t end_pair, std::byte* scratch) const {
    const Panel of_first = make_panel(rows, panel.count, panel.width(), first_.panel_needs(), scratch);
    Panel of_second = of_first;
    if (second_ && second_->panel_needs() != first_.panel_needs())
      of_second =
          make_panel(rows, panel.count, panel.width(), second_->panel_needs(), scratch + panel_bytes(rows.columns));
    PairSums first, second;
    for (int64_t pair = first_pair; pair < end_pair; ++pair) {
      first_.multiply_pair(panel.width_index, 2 * pair, first_.weight().tiles(), of_first, first);
      if (second_) second_->multiply_pair(panel.width_index, 2 * pair, second_->weight().tiles(), of_second, second);
      finish(args, panel, pair * 2 * kTileRows, first, second_ ? &second : nullptr);
    }
  }

  Multiplier first_;
  std::optional<Multiplier> second_;
  int threads_;
};

class MatmulKernel final : public PairKernel {
 public:
  MatmulKernel(std::shared_ptr<const PackedWeight> weight, std::vector<float> bias, bool has_residual, int threads)
      : PairKernel(std::move(weight), nullptr, threads), bias_(std::move(bias)), has_residual_(has_residual) {}

 private:
  void finish(const KernelArgs& args, const PanelRows& panel, int64_t output, PairSums& sums,
              PairSums*) const override {
    const auto count = std::min<int64_t>(2 * kTileRows, outputs() - output);
    for (int column = 0; column < panel.count; ++column) {
      const int64_t at = (panel.first + column) * outputs() + output;
      float* values = sums.values + column * 2 * kTileRows;
      if (!bias_.empty())
        for (int64_t i = 0; i < count; ++i) values[i] += bias_[size_t(output + i)];
      if (has_residual_)
        for (int64_t i = 0; i < count; ++i) values[i] += args.operand<const float>(1)[at + i];
      std::memcpy(args.operand<float>(has_residual_ ? 2 : 1) + at, values, size_t(count) * sizeof(float));
    }
  }

  std::vector<float> bias_;
  bool has_residual_;
};

class MatmulGluKernel final : public PairKernel {
 public:
  MatmulGluKernel(std::shared_ptr<const PackedWeight> gate, std::shared_ptr<const PackedWeight> up, const MatmulGlu& op,
                  int threads)
      : PairKernel(std::move(gate), std::move(up), threads), op_(op) {}

 private:
  void finish(const KernelArgs& args, const PanelRows& panel, int64_t output, PairSums& gate,
              PairSums* up) const override {
    const auto count = std::min<int64_t>(2 * kTileRows, outputs() - output);
    for (int column = 0; column < panel.count; ++column) {
      float* values = gate.values + column * 2 * kTileRows;
      activate_and_multiply(op_.activation, values, up->values + column * 2 * kTileRows, (count + 15) / 16 * 16,
                            values);
      const int64_t row = panel.first + column;
      if (op_.quantize)
        quantize(args.operands[1], row, output, values);
      else
        std::memcpy(args.operand<float>(1) + row * outputs() + output, values, size_t(count) * sizeof(float));
    }
  }

  void quantize(std::byte* rows, int64_t row, int64_t output, const float* values) const {
    const Q8Rows layout{rows, outputs()};
    std::byte* begin = rows + size_t(row) * layout.row_bytes();
    auto* scales = reinterpret_cast<float*>(begin + outputs());
    auto* sums = reinterpret_cast<int32_t*>(scales + outputs() / kActGroup);
    const int64_t group = output / kActGroup;
    quantize_q8_group(values, reinterpret_cast<int8_t*>(begin) + output, scales[group], sums[group]);
  }

  MatmulGlu op_;
};

}  // namespace

uint64_t matmul_workspace_bytes(int64_t columns, int threads, int matrices) {
  return panel_bytes(columns) * uint64_t(threads) * uint64_t(matrices);
}

std::unique_ptr<const Kernel> make_matmul(std::shared_ptr<const PackedWeight> weight, std::vector<float> bias,
                                          bool has_residual, int threads) {
  return std::make_unique<MatmulKernel>(std::move(weight), std::move(bias), has_residual, threads);
}

std::unique_ptr<const Kernel> make_matmul_glu(std::shared_ptr<const PackedWeight> gate,
                                              std::shared_ptr<const PackedWeight> up, const MatmulGlu& op,
                                              int threads) {
  return std::make_unique<MatmulGluKernel>(std::move(gate), std::move(up), op, threads);
}

const char* kernel_target() { return find_micro_kernel(Codec::kQ8_0).target; }

}  // namespace trireme::cpu::quantized
