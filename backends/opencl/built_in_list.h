// BuiltInList: records ops as the launches of built-in kernels.
#pragma once

#include "backends/opencl/built_in_table.h"
#include "backends/opencl/built_in_weight.h"
#include "backends/opencl/command_list.h"
#include "hal/command_list.h"

namespace trireme::opencl {

class BuiltInOp final : public PreparedOp {
 public:
  OpDesc description;
  std::vector<BuiltInCall> calls;
  std::vector<std::shared_ptr<const Kernel>> kernels;           // of the calls
  std::vector<std::shared_ptr<const BuiltInWeight>> constants;  // by input; null where it is none
  std::shared_ptr<OpenClBuffer> zeros;                          // where a call takes some
  std::shared_ptr<OpenClBuffer> fixed_rows;                     // their count, where no run-time count limits them
  const Connection* connection = nullptr;

  const OpDesc& desc() const override { return description; }
  uint64_t workspace_bytes() const override { return 0; }
};

class BuiltInList final : public CommandList {
 public:
  explicit BuiltInList(std::shared_ptr<Connection> connection) : list_(std::move(connection)) {}

  Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) override;
  Status copy(const BufferRange& source, const BufferRange& target) override { return list_.copy(source, target); }
  Status barrier() override { return list_.barrier(); }
  Status finish() override { return list_.finish(); }
  int64_t launches() const override { return list_.launches(); }

  const OpenClKernelList& list() const { return list_; }

 private:
  OpenClKernelList list_;
  std::vector<std::shared_ptr<const PreparedOp>> ops_;  // alive as long as the list
};

}  // namespace trireme::opencl
