// CountingDevice: a test double around a real device that counts the bytes allocated on it.
#pragma once

#include <memory>

#include "hal/device.h"

namespace trireme::testing_support {

class CountingDevice final : public Device {
 public:
  explicit CountingDevice(std::shared_ptr<Device> inner) : inner_(std::move(inner)) {}

  uint64_t allocated_bytes() const { return allocated_; }
  uint64_t weight_bytes() const { return weights_; }

  const DeviceInfo& info() const override { return inner_->info(); }
  std::vector<MemoryHeap> memory() const override { return inner_->memory(); }
  uint64_t loading_bytes() const override { return inner_->loading_bytes(); }
  MeasuredSpeed measure_speed() override { return inner_->measure_speed(); }
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override { return inner_->assess(ops); }
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override {
    allocated_ += bytes;
    return inner_->allocate(bytes);
  }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override {
    return inner_->import_host(memory);
  }
  Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) override {
    auto weight = inner_->prepare_weight(tensor, use);
    if (weight) weights_ += (*weight)->device_bytes();
    return weight;
  }
  Result<std::shared_ptr<const PreparedOp>> prepare(const OpDesc& op,
                                                    std::span<const std::shared_ptr<const Weight>> constants) override {
    return inner_->prepare(op, constants);
  }
  Result<std::unique_ptr<CommandList>> create_command_list() override { return inner_->create_command_list(); }
  Result<std::shared_ptr<Timeline>> create_timeline() override { return inner_->create_timeline(); }
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override {
    return inner_->submit(list, waits, signals);
  }

 private:
  std::shared_ptr<Device> inner_;
  uint64_t allocated_ = 0;
  uint64_t weights_ = 0;
};

}  // namespace trireme::testing_support
