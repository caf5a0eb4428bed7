// OpTimer: how long an op takes on a device, over zeros.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hal/device.h"

namespace trireme::compiler {

class OpTimer {
 public:
  // Allocates the operands and prepares the constants. The op's rows all count, and kernels load how many they are as
  // in a step. Errors: those of the device.
  static Result<OpTimer> create(Device& device, const OpDesc& op);

  // The op as it is measured.
  const OpDesc& op() const { return op_; }

  // Seconds of a launch, from the fastest of some runs of a few milliseconds each; what takes longer than `enough` is
  // run once. `device` is the one that has the operands, or another over the same memory. Errors: those of the device.
  Result<double> seconds(Device& device, double enough = 1e9) const;

 private:
  Result<BufferRange> keep(Device& device, std::span<const std::byte> bytes);
  Result<double> run(Device& device, int launches, int rounds) const;

  OpDesc op_;
  std::vector<std::shared_ptr<const Weight>> constants_;
  std::vector<std::shared_ptr<Buffer>> buffers_;
  std::vector<BufferRange> ranges_;
  BufferRange counts_;  // int32: of tokens, of outputs
};

}  // namespace trireme::compiler
