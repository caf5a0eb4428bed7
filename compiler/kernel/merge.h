// merge: several kernels as one launch, whose groups are dealt to them.
#pragma once

#include <span>

#include "compiler/kernel/function.h"
#include "hal/result.h"

namespace trireme::kernel {

struct MergedPart {
  const Function* function = nullptr;
  uint32_t groups = 0;            // of the first axis; on the other axes all parts have as many
  std::vector<uint32_t> buffers;  // the merged kernel's buffer for each of the function's own
};

// A kernel whose groups do what those of the parts' functions would, part after part along the first axis. Parts share
// a buffer that they name alike, which they may only read; each has its own launch constants, in the order of the
// parts. What a group shares is used by one part at a time. Needs at least one part; all have one group size.
// Errors: kInternal as verify() says, or for parts that do not fit together.
Result<Function> merge(std::span<const MergedPart> parts);

}  // namespace trireme::kernel
