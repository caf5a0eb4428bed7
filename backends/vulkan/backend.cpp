#include "backends/vulkan/backend.h"

#include "backends/vulkan/device.h"
#include "hal/driver_backend.h"

namespace trireme::vulkan {
namespace {

class VulkanDrivers final : public Drivers {
 public:
  VulkanDrivers(std::shared_ptr<const Instance> instance, std::vector<DeviceFacts> devices)
      : instance_(std::move(instance)), devices_(std::move(devices)) {}

  std::vector<DeviceListing> listings() const override { return listings_of(devices_); }
  Result<std::shared_ptr<Device>> open(size_t index, const std::string& id,
                                       const DeviceOptions& options) const override {
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, VulkanDevice::open(instance_, devices_[index], id));
    return compile_kernels_of(std::move(device), options);
  }

 private:
  std::shared_ptr<const Instance> instance_;
  std::vector<DeviceFacts> devices_;
};

class VulkanBackend final : public DriverBackend {
 public:
  VulkanBackend(std::string path, Diagnostics diagnostics)
      : DriverBackend("vulkan", std::move(path)), diagnostics_(std::move(diagnostics)) {}

 private:
  Result<std::unique_ptr<const Drivers>> load(const std::string& path) const override {
    TRIREME_ASSIGN(std::shared_ptr<const Library> library, Library::load(path));
    TRIREME_ASSIGN(std::shared_ptr<const Instance> instance, Instance::create(std::move(library), diagnostics_));
    TRIREME_ASSIGN(std::vector<DeviceFacts> devices, find_devices(*instance));
    return std::make_unique<const VulkanDrivers>(std::move(instance), std::move(devices));
  }

  Diagnostics diagnostics_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library, Diagnostics diagnostics) {
  return std::make_unique<VulkanBackend>(std::move(library), std::move(diagnostics));
}

}  // namespace trireme::vulkan
