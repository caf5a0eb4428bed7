// HostCommandList: recorded calls, run one after the other.
#pragma once

#include <vector>

#include "backends/reference/kernel.h"
#include "hal/command_list.h"

namespace trireme::reference {

class HostCommandList final : public CommandList {
 public:
  explicit HostCommandList(const void* device) : device_(device) {}

  Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  Status barrier() override { return check_open(); }
  Status finish() override;
  int64_t launches() const override { return int64_t(steps_.size()); }

  const void* device() const { return device_; }
  bool finished() const { return finished_; }
  Status run() const;

 private:
  // A call of a kernel, or a copy when there is none.
  struct Step {
    std::shared_ptr<const Kernel> kernel;
    Call call;
    const std::byte* source = nullptr;
    std::byte* target = nullptr;
    size_t bytes = 0;
  };

  Status check_open() const;
  Result<const int32_t*> count(const BufferRange& range) const;

  const void* device_;
  std::vector<Step> steps_;
  bool finished_ = false;
};

}  // namespace trireme::reference
