// Kernel: how one op computes, as chunks that the pool's threads claim; and the prepared op that carries it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hal/prepared.h"

namespace trireme::cpu {

// What a kernel sees when it runs. Pointers are aligned as their buffers' owners laid them out; buffers of this device
// begin on 64 bytes. Constants are not among the operands: a kernel holds them since it was made.
struct KernelArgs {
  // Non-constant inputs in order, then the outputs that alias no input.
  std::span<std::byte* const> operands;
  std::byte* workspace = nullptr;  // workspace_bytes() of scratch, shared by the step's chunks; 64-byte aligned
  int64_t rows = 0;                // run-time count of the first dimension, 1 .. capacity

  template <typename T>
  T* operand(size_t index) const {
    return reinterpret_cast<T*>(operands[index]);
  }
};

// The computation of one op. Immutable after construction; run() may be called by several threads at once, each with
// another chunk. Chunks of one phase are independent; a phase begins when the one before it has ended. Steps without
// a barrier between them run in one parallel region, so chunks should be of similar cost: about 5 to 50 us each, and
// a single one where the whole step takes less than about 3 us.
class Kernel {
 public:
  virtual ~Kernel() = default;

  virtual int phases() const { return 1; }

  // Whether the indices among the operands' contents are inside what they index. Called once a submit, before phase 0.
  virtual Status check(const KernelArgs&) const { return {}; }

  // Number of chunks for these rows and operand contents; 0 when there is nothing to do. Called once a phase and
  // submit, before the phase's first run(). Must be cheap. The results of the op must not depend on how many threads
  // there are.
  virtual int64_t chunks(int phase, const KernelArgs& args) const = 0;

  // `worker` is below the thread count that the kernel was made for; a worker runs one chunk at a time, so scratch
  // inside the workspace may be indexed by it. Allocates nothing, cannot fail.
  virtual void run(int phase, int64_t chunk, int worker, const KernelArgs& args) const = 0;

  // Scratch for the largest row count; the whole of it, all workers together.
  virtual uint64_t workspace_bytes() const { return 0; }
};

// Constants that the op was prepared with, in the order of its constant inputs.
using Constants = std::span<const std::shared_ptr<const Weight>>;

class CpuPreparedOp final : public PreparedOp {
 public:
  // `device` tells the ops of several devices apart.
  CpuPreparedOp(const void* device, OpDesc desc, Constants constants, std::unique_ptr<const Kernel> kernel)
      : device_(device),
        desc_(std::move(desc)),
        constants_(constants.begin(), constants.end()),
        kernel_(std::move(kernel)) {}

  const OpDesc& desc() const override { return desc_; }
  uint64_t workspace_bytes() const override { return kernel_->workspace_bytes(); }
  const Kernel& kernel() const { return *kernel_; }
  const void* device() const { return device_; }

 private:
  const void* device_;
  OpDesc desc_;
  std::vector<std::shared_ptr<const Weight>> constants_;  // kept alive for the kernel
  std::unique_ptr<const Kernel> kernel_;
};

}  // namespace trireme::cpu
