// ForwardingKernelDevice: what test doubles around a KernelDevice begin with.
#pragma once

#include <memory>

#include "hal/kernel_device.h"

namespace trireme {

class ForwardingKernelDevice : public KernelDevice {
 public:
  explicit ForwardingKernelDevice(std::shared_ptr<KernelDevice> inner) : inner_(std::move(inner)) {}

  const DeviceInfo& info() const override { return inner_->info(); }
  const Target& target() const override { return inner_->target(); }
  std::vector<MemoryHeap> memory() const override { return inner_->memory(); }
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override { return inner_->allocate(bytes); }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override {
    return inner_->import_host(memory);
  }
  Result<std::shared_ptr<Timeline>> create_timeline() override { return inner_->create_timeline(); }
  Status submit(KernelList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override {
    return inner_->submit(list, waits, signals);
  }
  Result<std::vector<std::byte>> build_kernel(const KernelSource& source) override {
    return inner_->build_kernel(source);
  }
  Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource& source,
                                                    std::span<const std::byte> built) override {
    return inner_->load_kernel(source, built);
  }
  Result<std::unique_ptr<KernelList>> create_list() override { return inner_->create_list(); }

 protected:
  std::shared_ptr<KernelDevice> inner_;
};

}  // namespace trireme
