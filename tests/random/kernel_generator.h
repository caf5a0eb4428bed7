// Random kernels: well typed, with everything in range, whose results are exact on every device.
#pragma once

#include <string>

#include "tests/random/kernel_case.h"

namespace trireme::random {

// The same seed gives the same kernel on every machine. Vectors have at most `lanes` lanes: 4 or 16.
//
// Floats are kept where each op of the kernel is exact or correctly rounded, and no result is subnormal, infinite or
// NaN. A zero's sign does not reach memory. Now and then a division may be by zero: the interpreter tells.
// Errors: kInternal when the verifier refuses what was written.
Result<KernelCase> random_kernel(const std::string& seed, int lanes);

}  // namespace trireme::random
