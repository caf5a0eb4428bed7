// DecodePlan: a verified Format as runs of evenly spaced bits, and what its numbers are. For what reads records: the
// decoder, and kernels that the compiler writes.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "hal/format.h"

namespace trireme {

constexpr int64_t kMaxBlockElements = 1024;  // rows x columns of a block; bounds the decoder's scratch
constexpr int64_t kSpanElements = 256;       // columns that are decoded together, rounded to whole blocks
constexpr size_t kMaxSections = 8;

// Entries [first, first + count) lie at bit_offset + i * bit_stride from their section's part of the span.
struct BitRun {
  int64_t first = 0;
  int64_t count = 0;
  int64_t bit_offset = 0;
  int64_t bit_stride = 0;
  int width = 0;
  int shift = 0;
  uint32_t radix = 0;
  uint32_t radix_power = 1;
};
using BitRuns = std::vector<BitRun>;

// The part of a plan that depends on which of a block's rows is read.
struct RowPlan {
  BitRuns codes;
  BitRuns signs;
  std::vector<BitRuns> scale;  // one for each factor; empty where it does not lie in the block
  std::vector<BitRuns> minimum;
  BitRuns zero;
};

struct DecodePlan {
  Format format;
  std::vector<int64_t> sections;  // never empty
  int64_t span = 0;               // columns of a span
  int64_t granule = 0;            // columns that surely share scale and minimum; divides span
  int code_bits = 0;
  std::vector<float> float_values;  // of the 256 codes, where codes are eight-bit floats
  std::optional<IntegerCodes> integer;
  std::vector<RowPlan> rows;  // block_rows of them
};

DecodePlan make_decode_plan(const Format& format);  // the format must verify

// Columns of one row that share a number, or 0 where all do.
int64_t columns_per_number(const Format& format, const Number& number);

// Bits that the fields fill.
int field_bits(const std::vector<BitField>& fields);

// The value of assembled bits; `width` is what the fields fill.
float float_from_bits(NumberType type, uint32_t bits, int width);

// Computed in f64 and rounded once. A zero offset is not added, so that a negative zero stays one.
inline float number_from_bits(const Number& number, uint32_t bits, int width) {
  double value = number.type == NumberType::kE8M0 ? std::ldexp(1.0, int(bits) - 127)
                                                  : double(float_from_bits(number.type, bits, width));
  value *= double(number.multiplier);
  if (number.offset != 0.0f) value += double(number.offset);
  return float(number.reciprocal ? 1.0 / value : value);
}

// The power of the radix that selects the digit of entry n.
uint32_t radix_power(const BitField& field, int64_t n);

// Whether entries [0, count) of the field lie inside region_bits. False on overflow, too.
bool field_fits(const BitField& field, int64_t count, int64_t region_bits);

}  // namespace trireme
