// OpRanges: what a dispatch binds, by the numbers of the op's operands.
#pragma once

#include <span>
#include <vector>

#include "hal/buffer.h"
#include "hal/ops.h"

namespace trireme {

struct OpRanges {
  std::vector<BufferRange> inputs;   // empty for constants
  std::vector<BufferRange> outputs;  // an output that shares an input's storage has its range
};

// Sorts DispatchOperands::ranges of an op without workspace. Errors: kInvalidArgument for a range outside its buffer,
// or a wrong number or size of operands.
Result<OpRanges> op_ranges(const OpDesc& op, std::span<const BufferRange> ranges);

// A run-time count may stand anywhere; what is bound of it begins at the grain of kernels' buffers (kBindingAlignment).
struct CountBinding {
  BufferRange range;
  uint32_t index = 0;  // of the I32 in the range
};

// Errors: kInvalidArgument for a range outside its buffer, or what is no aligned I32.
Result<CountBinding> count_binding(const BufferRange& count);

}  // namespace trireme
