// simplify: the same kernel with less to do, in an order that does not depend on how it was written.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/result.h"

namespace trireme::kernel {

// Folds constants; a + 0, a * 1, a << 0 and the like -> a; equal instructions of a region or of one around it -> one;
// drops what nothing uses; puts each instruction without effect right before its first use, in the region where it was,
// and numbers the values anew. Results stay the same bit for bit, but for which NaN it is.
Result<Function> simplify(const Function& function);

}  // namespace trireme::kernel
