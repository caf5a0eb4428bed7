// The operands of a case as numbers.
#pragma once

#include "tests/conformance/execute.h"

namespace trireme::conformance {

// Values of one operand, and for packed formats the size of the terms that each value is the sum of:
// |scale * code| + |minimum|. A device that keeps the terms apart rounds on that scale.
struct Numbers {
  std::vector<double> values;
  std::vector<double> terms;
};

// Input i. I32 operands too. Q8_ACT rows give scale * code.
Result<Numbers> numbers_of(const Case& test, size_t i);

// An output's or operand's bytes as numbers. F32, F16, BF16 or I32.
std::vector<double> decode_plain(const Format& format, const Bytes& bytes);

// Rows of the first dimension that count.
int64_t counted_rows(const Case& test, const TensorDesc& desc);

}  // namespace trireme::conformance
