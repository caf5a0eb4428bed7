// Whether a device's results are what the reference and the intervals allow.
#pragma once

#include "tests/conformance/execute.h"

namespace trireme::conformance {

struct Verdict {
  bool passed = true;
  double worst = 0;     // the largest error over the allowed one; infinite where nothing was allowed
  std::string message;  // the first thing that is wrong, with output, element and both values
};

// `expected` are the reference's outputs of the case; where an output is Q8_ACT of a fused op, they are the f32 values
// before quantisation. Checks values of rows that count, that other rows kept kUntouched, and of Q8_ACT rows the sums
// and that the codes are a rounding of values inside the interval.
Verdict judge(const Case& test, const std::vector<Bytes>& expected, const std::vector<Bytes>& actual,
              const std::vector<std::vector<double>>& allowed);

// The case whose reference outputs judge() wants: with the quantisation of a fused op left out.
Case unquantised(const Case& test);

}  // namespace trireme::conformance
