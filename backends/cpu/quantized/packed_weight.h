// PackedWeight: a quantised weight matrix in tiles of 16 interleaved rows, the layout that the integer kernels stream.
#pragma once

#include <memory>
#include <span>

#include "backends/cpu/function_ref.h"
#include "backends/cpu/quantized/codec.h"
#include "backends/cpu/quantized/weight_arena.h"
#include "hal/prepared.h"

namespace trireme::cpu::quantized {

// Runs body(0) .. body(count - 1), in any order and on any threads, and returns when all have ended.
using ParallelFor = FunctionRef<void(int64_t count, FunctionRef<void(int64_t)> body)>;

// Whether W[N, K], or W[E, N, K] as E * N rows, of this format can be packed: kUnsupported with the reason when the
// format has no integer codes, K is not a multiple of its block and of 32, or the rows are no multiple of its
// block_rows.
Status can_pack(const TensorDesc& desc);

// Bytes of the packed form; desc must satisfy can_pack().
uint64_t packed_bytes(const TensorDesc& desc);

class PackedWeight final : public Weight {
 public:
  // Reads tensor.data during the call only, and releases what it has read. The arena may be destroyed before the
  // weight. Values are kept exactly. Errors: as can_pack(); kInvalidArgument when the sizes of data or planes do not
  // match; kOutOfMemory.
  static Result<std::shared_ptr<const PackedWeight>> pack(const HostTensor& tensor, WeightArena& arena,
                                                          ParallelFor parallel);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override { return bytes_; }
  bool keeps_source() const override { return false; }

  Codec codec() const { return codec_.codec; }
  const CodeValues& code_values() const { return codec_.values; }  // where its record has_own_table()
  int64_t rows() const { return desc_.shape.rows(); }              // N, or those of all experts
  int64_t columns() const { return desc_.shape.back(); }           // K
  int64_t tiles() const { return (rows() + kTileRows - 1) / kTileRows; }
  size_t tile_bytes() const { return tile_bytes_; }
  const std::byte* tile(int64_t index) const { return data_.get() + size_t(index) * tile_bytes_; }

  // Decodes row `row` (0 <= row < N) to K f32 values, the same as the source's: embedding tables share the head's
  // packed weight through it.
  void decode_row(int64_t row, std::span<float> values) const;

 private:
  PackedWeight(const TensorDesc& desc, const FormatCodec& codec);

  TensorDesc desc_;
  FormatCodec codec_;
  size_t tile_bytes_;
  uint64_t bytes_;
  std::shared_ptr<std::byte[]> data_;
};

}  // namespace trireme::cpu::quantized
