// CommandList: steps that are recorded once and submitted many times.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "hal/buffer.h"
#include "hal/prepared.h"

namespace trireme {

// Operand ranges of one op: its non-constant inputs in order, then the outputs that alias no input, then the
// workspace if the op asks for one. `token_count` and `output_count` each hold one I32, read when the op runs; they
// limit the rows of the kTokens and kOutputs domains and may be empty where the op has no such operand.
struct DispatchOperands {
  std::span<const BufferRange> ranges;
  BufferRange token_count;
  BufferRange output_count;
};

// Steps between two barriers may run in any order or at once; a barrier orders everything before it against
// everything after it. A list is recorded by one thread, and immutable after finish().
class CommandList {
 public:
  virtual ~CommandList() = default;

  virtual Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) = 0;
  virtual Status copy(const BufferRange& source, const BufferRange& target) = 0;
  virtual Status barrier() = 0;
  // Errors of all four: kInvalidArgument for a range outside its buffer, a wrong number or size of operands, an op or
  // buffer of another device, or a call after finish().
  virtual Status finish() = 0;

  // What one submission starts on the device: kernels where it runs kernels, else ops, and copies.
  virtual int64_t launches() const = 0;
};

}  // namespace trireme
