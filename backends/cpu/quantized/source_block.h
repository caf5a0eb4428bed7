// SourceBlock: one block of a quantised row as its format defines it, taken apart into codes, scales and minima.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "backends/cpu/quantized/codec.h"

namespace trireme::cpu::quantized {

struct SourceBlock {
  std::array<uint32_t, 64> codes;     // word i holds the unsigned codes of elements 4i .. 4i+3, lowest byte first
  uint16_t scale = 0;                 // f16 bits, or the e8m0 byte
  uint16_t minimum = 0;               // f16 bits
  std::array<uint8_t, 16> subscales;  // a group each; signed ones in two's complement
  std::array<uint8_t, 16> subminima;
};

// Reads one block of record.source_bytes; the codec is a format's own. Layouts: the block structures of GGUF's
// quantised types. Only the entries that the record speaks of are written.
void read_source_block(Codec codec, const std::byte* bytes, SourceBlock& block);

}  // namespace trireme::cpu::quantized
