// BuiltInDevice: a device without a compiler, which prepares ops as its built-in kernels.
#pragma once

#include <map>
#include <mutex>

#include "backends/opencl/built_in_table.h"
#include "backends/opencl/built_in_weight.h"
#include "backends/opencl/submission_queue.h"

namespace trireme::opencl {

class BuiltInDevice final : public Device {
 public:
  // Errors: kUnsupported with the facts' refusal, kDeviceLost, kOutOfMemory.
  static Result<std::shared_ptr<BuiltInDevice>> open(std::shared_ptr<const Library> library, const DeviceFacts& facts,
                                                     std::string id);

  const DeviceInfo& info() const override { return info_; }
  std::vector<MemoryHeap> memory() const override { return connection_->memory(); }
  // Zeros: what built-in kernels reach does not tell what others would.
  MeasuredSpeed measure_speed() override { return {}; }
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override;
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override;
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override;
  Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) override;
  Result<std::shared_ptr<const PreparedOp>> prepare(const OpDesc& op,
                                                    std::span<const std::shared_ptr<const Weight>> constants) override;
  Result<std::unique_ptr<CommandList>> create_command_list() override;
  Result<std::shared_ptr<Timeline>> create_timeline() override;
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override;

 private:
  explicit BuiltInDevice(std::shared_ptr<Connection> connection);

  BuiltInCalls calls_of(const OpDesc& op) const;
  Result<std::shared_ptr<const Kernel>> kernel_of(const BuiltInCall& call);

  std::shared_ptr<Connection> connection_;
  DeviceInfo info_;
  SubmissionQueue queue_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<const Kernel>, std::less<>> kernels_;
};

}  // namespace trireme::opencl
