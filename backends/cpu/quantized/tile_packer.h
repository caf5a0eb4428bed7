// TilePacker: reads tiles of a weight in host memory and packs them.
#pragma once

#include <memory>

#include "backends/cpu/quantized/codec.h"
#include "hal/prepared.h"

namespace trireme::cpu::quantized {

class TilePacker {
 public:
  virtual ~TilePacker() = default;
  // Packs tile `tile` into zeroed memory of whole blocks. Safe to call from several threads. Errors: kOutOfMemory.
  virtual Status pack(int64_t tile, std::byte* packed) const = 0;
};

// Both must outlive the packer. Errors: kInvalidArgument when the sizes of data or planes do not match.
Result<std::unique_ptr<const TilePacker>> make_tile_packer(const HostTensor& tensor, const FormatCodec& codec);

}  // namespace trireme::cpu::quantized
