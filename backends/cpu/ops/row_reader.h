// RowReader: rows of a weight matrix as f32, from whichever form the weight has.
#pragma once

#include <memory>
#include <span>

#include "backends/cpu/quantized/packed_weight.h"
#include "backends/cpu/weight.h"

namespace trireme::cpu {

class RowReader {
 public:
  // The weight must be a MappedWeight with float values or a PackedWeight, and outlive the reader.
  explicit RowReader(const Weight& weight)
      : mapped_(dynamic_cast<const MappedWeight*>(&weight)),
        packed_(dynamic_cast<const quantized::PackedWeight*>(&weight)) {}

  // 0 <= row < rows of the weight; values.size() is its columns.
  void read(int64_t row, std::span<float> values) const {
    if (packed_) return packed_->decode_row(row, values);
    mapped_->read_row(row, values);
  }

  const MappedWeight* mapped() const { return mapped_; }

 private:
  const MappedWeight* mapped_;
  const quantized::PackedWeight* packed_;
};

}  // namespace trireme::cpu
