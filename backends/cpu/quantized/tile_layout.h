// The interleaving of one row's block into a tile, and its inverse.
#pragma once

#include "backends/cpu/quantized/source_block.h"

namespace trireme::cpu::quantized {

constexpr int8_t kIq4NlValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int8_t kMxfp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};  // e2m1, doubled

// Writes source block `part` (of record.block / record.source_block) of row `row` into a zeroed packed block.
void write_row_block(const CodecRecord& record, const SourceBlock& source, int part, int row, std::byte* packed);

// Writes row `row` of a general codec's zeroed packed block: `groups` groups of 32 codes, four to a word as in
// SourceBlock, and the scales and minima of its scale groups (of one minimum each where the record has minima).
void write_row_block(const CodecRecord& record, const uint32_t* codes, int groups, const float* scales,
                     const float* minima, int row, std::byte* packed);

// The integers of elements [32 * group, 32 * group + 32) of row `row` of a packed block, less their offset or through
// its table, which is `values` where each weight has its own.
void read_codes(const CodecRecord& record, const CodeValues& values, const std::byte* packed, int row, int group,
                int16_t* integers);

// The scale of group `group` of a row and the minimum that is added; both exact.
struct ScaleAndMinimum {
  float scale = 0;
  float minimum = 0;
};
ScaleAndMinimum read_scale(const CodecRecord& record, const std::byte* packed, int row, int group);

// Decodes elements [0, count) of row `row` of a packed block; count is a multiple of 32.
void read_row_block(const CodecRecord& record, const CodeValues& values, const std::byte* packed, int row, int count,
                    float* elements);

}  // namespace trireme::cpu::quantized
