// CompiledList: records ops as the launches of their kernels.
#pragma once

#include <variant>

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

// What is recorded between two barriers shares launches. The device's list is written at finish(), which asks for all
// kernels at once.
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
  struct Launch {
    size_t bundle = 0;  // its place in bundles_
  };
  struct Copy {
    BufferRange source;
    BufferRange target;
  };
  struct Barrier {};
  using Step = std::variant<Launch, Copy, Barrier>;

  Status check_open() const;
  // Bundles what has been dispatched since the last barrier.
  void bundle_waiting();
  Status write(const Step& step, std::span<const std::shared_ptr<const Kernel>> kernels);
  Result<BoundCall> bound(const CompiledOp& op, const KernelCall& call, const OpRanges& ranges,
                          const BufferRange& workspace, const DispatchOperands& operands) const;

  CompiledDevice& device_;
  std::unique_ptr<KernelList> list_;
  bool finished_ = false;
  std::vector<BoundCall> waiting_;
  int64_t launches_ = 0;
  std::vector<Bundle> bundles_;
  std::vector<Step> steps_;
  std::vector<std::shared_ptr<const PreparedOp>> ops_;  // alive as long as the list
};

}  // namespace trireme::compiler
