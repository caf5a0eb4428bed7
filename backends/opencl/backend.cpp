#include "backends/opencl/backend.h"

#include "backends/opencl/built_in_device.h"
#include "backends/opencl/device.h"
#include "hal/driver_backend.h"

namespace trireme::opencl {
namespace {

class OpenClDrivers final : public Drivers {
 public:
  OpenClDrivers(std::shared_ptr<const Library> library, std::vector<DeviceFacts> devices,
                std::shared_ptr<const PoclCache> pocl_cache)
      : library_(std::move(library)), devices_(std::move(devices)), pocl_cache_(std::move(pocl_cache)) {}

  std::vector<DeviceListing> listings() const override { return listings_of(devices_); }
  Result<std::shared_ptr<Device>> open(size_t index, const std::string& id,
                                       const DeviceOptions& options) const override {
    const DeviceFacts& facts = devices_[index];
    if (facts.op_level()) return BuiltInDevice::open(library_, facts, id);
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, OpenClDevice::open(library_, facts, id, pocl_cache_));
    return compile_kernels_of(std::move(device), options);
  }

 private:
  std::shared_ptr<const Library> library_;
  std::vector<DeviceFacts> devices_;
  std::shared_ptr<const PoclCache> pocl_cache_;
};

class OpenClBackend final : public DriverBackend {
 public:
  explicit OpenClBackend(std::string path) : DriverBackend("opencl", std::move(path)) {}
  void only_build() override { only_builds_ = true; }

 private:
  Result<std::unique_ptr<const Drivers>> load(const std::string& path) const override {
    std::shared_ptr<const PoclCache> pocl_cache;
    if (only_builds_) {
      TRIREME_ASSIGN(pocl_cache, PoclCache::create());
    }
    TRIREME_ASSIGN(std::shared_ptr<const Library> library, Library::load(path));
    TRIREME_ASSIGN(std::vector<DeviceFacts> devices, find_devices(*library));
    return std::make_unique<const OpenClDrivers>(std::move(library), std::move(devices), std::move(pocl_cache));
  }

  bool only_builds_ = false;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library) {
  return std::make_unique<OpenClBackend>(std::move(library));
}

}  // namespace trireme::opencl
