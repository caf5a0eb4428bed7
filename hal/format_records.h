// The records of the built-in formats. Private to the registry.
#pragma once

#include <vector>

#include "hal/format.h"

namespace trireme {

// F32, F16, ...: every element stored as itself.
Format plain_format(std::string name, std::optional<uint32_t> gguf_type, DType dtype);

// Block formats of GGUF files: Q4_0 to Q8_0, the K quants, ternary and four-bit float types.
std::vector<Format> gguf_block_records();
// The IQ formats, which gather their values from codebooks.
std::vector<Format> gguf_codebook_records();
// Layouts of published safetensors checkpoints, with scales in planes.
std::vector<Format> checkpoint_records();

// Short forms for the tables of records.
BitField bits(int width, int64_t bit_offset, std::vector<Digit> digits, int shift = 0);
Number block_number(NumberType type, int64_t group, std::vector<BitField> fields, float multiplier = 1.0f,
                    float offset = 0.0f);
Number block_f16(int64_t byte_offset);  // one for the block

// A block of 2^n values as ternary, four-bit or other codes: name, type id, elements, bytes, codes and scale.
Format block_format(std::string name, uint32_t gguf_type, int64_t elements, int64_t bytes, Codes codes,
                    std::vector<Number> scale, std::vector<Number> minimum = {});

}  // namespace trireme
