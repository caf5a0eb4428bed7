// CpuCommandList: a recorded program of kernels, as one flat array of steps cut into groups by barriers.
#pragma once

#include <memory>
#include <vector>

#include "backends/cpu/kernel.h"
#include "backends/cpu/thread_pool.h"
#include "hal/command_list.h"

namespace trireme::cpu {

// The steps between two barriers run as one parallel region a phase.
class CpuCommandList final : public CommandList {
 public:
  explicit CpuCommandList(const void* device) : device_(device) {}

  Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  Status barrier() override;
  Status finish() override;
  int64_t launches() const override { return int64_t(steps_.size()); }

  const void* device() const { return device_; }
  bool finished() const { return finished_; }

  // Runs every step. Only one thread at a time. Allocates nothing.
  // Errors: kInvalidArgument when a run-time count is outside its op's capacity.
  Status run(ThreadPool& pool);

 private:
  struct Step {
    const Kernel* kernel = nullptr;
    size_t first_operand = 0;
    size_t operand_count = 0;
    std::byte* workspace = nullptr;
    int64_t capacity = 1;
    const std::byte* count = nullptr;  // I32 that limits the rows; null: capacity
    int phases = 1;
    KernelArgs args;        // of the submit that runs
    int64_t end_chunk = 0;  // in the region of the phase that runs
  };
  struct Group {
    size_t begin = 0;
    size_t end = 0;
    int phases = 1;
  };

  Status check_open() const;
  Status add_step(std::unique_ptr<const Kernel> owned, Step step, std::span<std::byte* const> operands);
  Status bind_rows(std::span<Step> steps);
  void run_phase(ThreadPool& pool, std::span<Step> steps, int phase);

  const void* device_;
  std::vector<std::shared_ptr<const PreparedOp>> ops_;
  std::vector<std::unique_ptr<const Kernel>> copies_;
  std::vector<Step> steps_;
  std::vector<std::byte*> operands_;
  std::vector<Group> groups_;
  size_t group_begin_ = 0;
  bool finished_ = false;
};

}  // namespace trireme::cpu
