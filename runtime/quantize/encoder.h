// Encoder: packs f32 rows into a format, by the format's record.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "hal/format.h"

namespace trireme::runtime {

class BlockEncoder;

// Deterministic: the same values give the same bytes on every machine. One encoder may serve several threads.
class Encoder {
 public:
  // The format must outlive the encoder. Errors: kUnsupported when values cannot be packed into this format; what can:
  // F32, F16, BF16 and the structures of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K and Q6_K.
  static Result<Encoder> create(const Format& format);

  // values[columns] -> row[format.row_bytes(columns)]. F16, BF16 and the one-level types round as gguf-py does; the K
  // types search for the least squared error, weighted towards large values.
  // Errors: kInvalidArgument when sizes do not match, kCorruptData when a value is not finite or leaves the format's
  // range.
  Status encode_row(std::span<const float> values, std::span<std::byte> row) const;

 private:
  Encoder(const Format& format, std::shared_ptr<const BlockEncoder> blocks)
      : format_(&format), blocks_(std::move(blocks)) {}

  const Format* format_;
  std::shared_ptr<const BlockEncoder> blocks_;  // null for plain formats
};

// Whether Encoder::create would succeed.
bool can_encode(const Format& format);

// One row with an encoder of its own; to pack many rows, keep an Encoder.
Status encode_row(const Format& format, std::span<const float> values, std::span<std::byte> row);

}  // namespace trireme::runtime
