#include "tests/devices/masked_device.h"

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"
#include "tests/support/forwarding_kernel_device.h"

namespace trireme::devices_test {
namespace {

class MaskedDevice final : public ForwardingKernelDevice {
 public:
  MaskedDevice(std::shared_ptr<KernelDevice> inner, const Mask& mask)
      : ForwardingKernelDevice(std::move(inner)), target_(inner_->target()) {
    mask(target_);
  }

  const Target& target() const override { return target_; }
  // OpenCL's limit is of what is allocated at once.
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override {
    if (bytes > target_.max_buffer_bytes)
      return fail(ErrorCode::kOutOfMemory, "masked " + info().id,
                  std::to_string(bytes) + " bytes are more than " + std::to_string(target_.max_buffer_bytes));
    return inner_->allocate(bytes);
  }

 private:
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
