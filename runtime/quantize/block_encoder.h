// BlockEncoder: packs one block. One for each structure of record, chosen by Encoder.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "hal/format.h"

namespace trireme::runtime {

class BlockEncoder {
 public:
  virtual ~BlockEncoder() = default;

  // values[block_elements], all finite -> block[block_bytes]. False when a scale or minimum leaves its range.
  virtual bool encode(std::span<const float> values, std::span<std::byte> block) const = 0;
};

// One f16 scale a block, and perhaps one f16 minimum. Null when the format is built otherwise.
std::unique_ptr<const BlockEncoder> make_round_block(const Format& format);
// An f16 scale a block times an integer a group, and perhaps minima likewise. Null when the format is built otherwise.
std::unique_ptr<const BlockEncoder> make_encode_super_block(const Format& format);

}  // namespace trireme::runtime
