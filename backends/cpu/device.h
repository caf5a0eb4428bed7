// CpuDevice: this machine's cores as an op-level device.
#pragma once

#include <mutex>

#include "backends/cpu/quantized/weight_arena.h"
#include "backends/cpu/thread_pool.h"
#include "hal/device.h"
#include "hal/host_queue.h"

namespace trireme::cpu {

class CpuDevice final : public Device {
 public:
  // threads = 0: one for each usable core. native_bf16: see DeviceOptions. Errors: kOutOfMemory when a thread cannot be
  // started; kUnsupported when the processor has no bf16 products.
  static Result<std::shared_ptr<Device>> open(int threads, bool native_bf16);
  CpuDevice(int threads, bool native_bf16);

  const DeviceInfo& info() const override { return info_; }
  std::vector<MemoryHeap> memory() const override;
  MeasuredSpeed measure_speed() override;
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
  DeviceInfo info_;
  bool native_bf16_;
  ThreadPool pool_;
  quantized::WeightArena packed_weights_;
  std::once_flag measured_;
  MeasuredSpeed speed_;
  HostQueue queue_;  // last: it may still run lists on the pool while it is destroyed
};

}  // namespace trireme::cpu
