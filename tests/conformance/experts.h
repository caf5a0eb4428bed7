// A grouped matmul as matmuls of its experts alone.
#pragma once

#include "tests/conformance/execute.h"

namespace trireme::conformance {

struct ExpertSizes {
  int64_t rows, slots, experts, n, k;
  int64_t favourites = 0;  // experts that slots use: the first so many, or all
};

// A GroupedMatmul with random operands, in which some ids name no expert and not all rows count, where there are
// enough of either. Errors: of random_packed().
Result<Case> experts_case(const Format& format, ActScheme act, const ExpertSizes& sizes);

// What Matmul by each expert's rows of the weight gives on the device, put together as the case's GroupedMatmul does:
// zeros where an id names no expert, kUntouched past the rows that count. The weight's format must be one tensor.
// Errors: what the device gave.
Result<Bytes> by_single_experts(Device& device, const Case& test);

}  // namespace trireme::conformance
