#include "tests/devices/masked_device.h"

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"

namespace trireme::devices_test {
namespace {

class MaskedDevice final : public KernelDevice {
 public:
  MaskedDevice(std::shared_ptr<KernelDevice> inner, const Mask& mask)
      : inner_(std::move(inner)), target_(inner_->target()) {
    mask(target_);
  }

  const DeviceInfo& info() const override { return inner_->info(); }
  const Target& target() const override { return target_; }
  std::vector<MemoryHeap> memory() const override { return inner_->memory(); }
  // OpenCL's limit is of what is allocated at once.
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override {
    if (bytes > target_.max_buffer_bytes)
      return fail(ErrorCode::kOutOfMemory, "masked " + info().id,
                  std::to_string(bytes) + " bytes are more than " + std::to_string(target_.max_buffer_bytes));
    return inner_->allocate(bytes);
  }
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

 private:
  std::shared_ptr<KernelDevice> inner_;
  Target target_;
};

}  // namespace

Result<std::shared_ptr<Device>> open_masked(const std::string& id, const Mask& mask) {
  DeviceOptions options;
  options.kernel_compiler = [&](std::shared_ptr<KernelDevice> device) {
    return compiler::compile_for(std::make_shared<MaskedDevice>(std::move(device), mask));
  };
  return built_in_backends().open(id, options);
}

}  // namespace trireme::devices_test
