// Formats that nobody has heard of.
#pragma once

#include "hal/format_records.h"

namespace trireme::devices_test {

// Blocks of 32 codes of 3 bits, from -4 to 3, behind their f16 scale.
inline Format three_bits() {
  Codes codes;
  codes.fields = {bits(3, 16, {{1, 0, 3}})};
  codes.offset = -4;
  return block_format("THREE_BITS", 0, 32, 14, codes, {block_number(NumberType::kF16, 0, {bits(16, 0, {})})});
}

// Blocks of 48 codes of 4 bits that choose one of 16 odd numbers, before their bf16 scale.
inline Format odd_table() {
  Codes codes;
  codes.fields = {bits(4, 0, {{1, 0, 4}})};
  for (int i = 0; i < 16; ++i) codes.table.push_back(float((i - 8) * (i - 8) * (i < 8 ? -1 : 1)) / 7);
  return block_format("ODD_TABLE", 0, 48, 26, codes, {block_number(NumberType::kBF16, 0, {bits(16, 24 * 8, {})})});
}

}  // namespace trireme::devices_test
