// A test double: another KernelDevice that counts what is built and loaded, and builds as a test tells it to.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "tests/support/forwarding_kernel_device.h"

namespace trireme::compiler::test {

class WatchedDevice final : public ForwardingKernelDevice {
 public:
  explicit WatchedDevice(std::shared_ptr<KernelDevice> inner)
      : ForwardingKernelDevice(std::move(inner)), target_changes(inner_->target()) {}

  Target target_changes;  // before anyone asks
  std::atomic<int> builds = 0;
  std::atomic<int> loads = 0;
  // Before each build; its error is the build's.
  std::function<Status(const KernelSource&)> building = [](const KernelSource&) { return Status(); };
  bool refuses_all = false;  // when it is loaded, as if it were corrupt

  const Target& target() const override { return target_changes; }
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
};

}  // namespace trireme::compiler::test
