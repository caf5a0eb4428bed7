// Random tensors in any format, from its record alone.
#pragma once

#include "tests/conformance/execute.h"
#include "tests/conformance/random.h"

namespace trireme::conformance {

// How large the values of a random tensor are.
enum class Magnitudes {
  kUsual,    // the largest of a block lies between 2^-10 and 4
  kExtreme,  // anything finite up to 2^20, zeros and subnormal scales included
};

struct Packed {
  Bytes data;
  std::vector<Bytes> planes;
};

// Bytes that decode to finite values. Errors: kUnsupported when the record places its scales where this cannot follow,
// or gives no such values after many tries.
Result<Packed> random_packed(const Format& format, int64_t rows, int64_t columns, Magnitudes magnitudes,
                             Random& random);

}  // namespace trireme::conformance
