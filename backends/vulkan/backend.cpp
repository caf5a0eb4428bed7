#include "backends/vulkan/backend.h"

#include "backends/vulkan/device.h"
#include "hal/driver_backend.h"

namespace trireme::vulkan {
namespace {

class VulkanBackend final : public DriverBackend {
 public:
  VulkanBackend(std::string path, Diagnostics diagnostics)
      : DriverBackend("vulkan", std::move(path)), diagnostics_(std::move(diagnostics)) {}

 private:
  Result<std::vector<DeviceListing>> find(const std::string& path) const override {
    TRIREME_ASSIGN(std::shared_ptr<const Library> library, Library::load(path));
    TRIREME_ASSIGN(instance_, Instance::create(std::move(library), diagnostics_));
    TRIREME_ASSIGN(devices_, find_devices(*instance_));
    return listings_of(devices_);
  }

  Result<std::shared_ptr<Device>> open_found(size_t index, const std::string& id,
                                             const DeviceOptions& options) override {
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, VulkanDevice::open(instance_, devices_[index], id));
    return compile_kernels_of(std::move(device), options);
  }

  Diagnostics diagnostics_;
  mutable std::shared_ptr<const Instance> instance_;
  mutable std::vector<DeviceFacts> devices_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library, Diagnostics diagnostics) {
  return std::make_unique<VulkanBackend>(std::move(library), std::move(diagnostics));
}

}  // namespace trireme::vulkan
