// A test double: another KernelDevice that counts what is built and loaded, and builds as a test tells it to.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "hal/kernel_device.h"

namespace trireme::compiler::test {

class WatchedDevice final : public KernelDevice {
 public:
  explicit WatchedDevice(std::shared_ptr<KernelDevice> inner)
      : target_changes(inner->target()), inner_(std::move(inner)) {}

  Target target_changes;  // before anyone asks
  std::atomic<int> builds = 0;
  std::atomic<int> loads = 0;
  // Before each build; its error is the build's.
  std::function<Status(const KernelSource&)> building = [](const KernelSource&) { return Status(); };
  bool refuses_all = false;  // when it is loaded, as if it were corrupt

  const DeviceInfo& info() const override { return inner_->info(); }
  const Target& target() const override { return target_changes; }
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
    ++builds;
    TRIREME_TRY(building(source));
    return inner_->build_kernel(source);
  }
  Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource& source,
                                                    std::span<const std::byte> built) override {
    ++loads;
    if (refuses_all) return fail(ErrorCode::kCorruptData, "kernel " + source.entry, "the test refuses it");
    return inner_->load_kernel(source, built);
  }
  Result<std::unique_ptr<KernelList>> create_list() override { return inner_->create_list(); }

 private:
  std::shared_ptr<KernelDevice> inner_;
};

}  // namespace trireme::compiler::test
