// CompiledList: records ops as the launches of their kernels.
#pragma once

#include "compiler/device/bundle.h"
#include "compiler/device/compiled_device.h"
#include "hal/op_ranges.h"

namespace trireme::compiler {

class CompiledWeight;

class CompiledOp final : public PreparedOp {
 public:
  OpDesc description;
  OpCalls const* calls = nullptr;                                // the device keeps them
  std::vector<std::shared_ptr<const CompiledWeight>> constants;  // by input; null where it is none
  const CompiledDevice* device = nullptr;

  const OpDesc& desc() const override { return description; }
  uint64_t workspace_bytes() const override { return compiler::workspace_bytes(*calls); }
};

// Kernels are built when what is recorded between two barriers is complete, for its ops share launches.
class CompiledList final : public CommandList {
 public:
  CompiledList(CompiledDevice& device, std::unique_ptr<KernelList> list) : device_(device), list_(std::move(list)) {}

  Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  Status barrier() override;
  Status finish() override;
  int64_t launches() const override { return launches_; }

  KernelList& list() { return *list_; }
  const CompiledDevice& device() const { return device_; }

 private:
  // Launches what has been dispatched since the last barrier.
  Status launch();
  Result<BoundCall> bound(const CompiledOp& op, const KernelCall& call, const OpRanges& ranges,
                          const BufferRange& workspace, const DispatchOperands& operands) const;

  CompiledDevice& device_;
  std::unique_ptr<KernelList> list_;
  std::vector<BoundCall> waiting_;
  int64_t launches_ = 0;
  std::vector<std::shared_ptr<const PreparedOp>> ops_;  // alive as long as the list
};

}  // namespace trireme::compiler
