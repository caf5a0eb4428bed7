// Multiplier: a packed matrix with the micro kernel that reads it, and what kernels keep of its products.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "backends/cpu/quantized/micro_kernel.h"
#include "backends/cpu/quantized/packed_weight.h"

namespace trireme::cpu::quantized {

// The rows that one panel takes, and its width.
struct PanelRows {
  int64_t first;
  int count;
  size_t width_index;
  int width() const { return kWidths[width_index]; }
};

// A pair of tiles' results for a panel: [column][32].
struct alignas(64) PairSums {
  float values[kMaxWidth * 2 * kTileRows];
};

class Multiplier {
 public:
  explicit Multiplier(std::shared_ptr<const PackedWeight> weight)
      : weight_(std::move(weight)), kernel_(find_micro_kernel(weight_->codec())), values_(weight_->code_values()) {
    if (!codec_record(weight_->codec()).has_own_table() || !kernel_.offset.exists) return;
    kernel_.offset.value = -values_[0];
    for (int8_t& value : values_) value = int8_t(value - weight_->code_values()[0]);
  }

  const PackedWeight& weight() const { return *weight_; }
  PanelNeeds panel_needs() const {
    const CodecRecord& record = codec_record(weight_->codec());
    return {record.group, kernel_.offset, record.has_minimum};
  }

  // The widest panel that the rows left fill at least by half.
  PanelRows next_panel(int64_t row, int64_t left) const {
    for (size_t i = kWidths.size() - 1; i > 0; --i)
      if (kernel_.by_width[i] != nullptr && 2 * left >= kWidths[i])
        return {row, int(std::min<int64_t>(left, kWidths[i])), i};
    return {row, 1, 0};
  }

  // Tiles `tile` and the next, as far as they are before `end_tile`.
  void multiply_pair(size_t width_index, int64_t tile, int64_t end_tile, const Panel& panel, PairSums& sums) const {
    const int64_t count = std::min<int64_t>(2, end_tile - tile);
    for (int64_t i = 0; i < count; ++i)
      kernel_.by_width[width_index]({weight_->tile(tile + i), values_}, weight_->columns() / kActGroup, panel,
                                    sums.values + i * kTileRows);
  }

 private:
  std::shared_ptr<const PackedWeight> weight_;
  MicroKernel kernel_;
  alignas(16) CodeValues values_;
};

}  // namespace trireme::cpu::quantized
