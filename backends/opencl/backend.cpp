#include "backends/opencl/backend.h"

#include "backends/opencl/built_in_device.h"
#include "backends/opencl/device.h"
#include "hal/driver_backend.h"

namespace trireme::opencl {
namespace {

class OpenClBackend final : public DriverBackend {
 public:
  explicit OpenClBackend(std::string path) : DriverBackend("opencl", std::move(path)) {}
  void only_build() override { only_builds_ = true; }

 private:
  Result<std::vector<DeviceListing>> find(const std::string& path) const override {
    if (only_builds_) {
      TRIREME_ASSIGN(pocl_cache_, PoclCache::create());
    }
    TRIREME_ASSIGN(library_, Library::load(path));
    TRIREME_ASSIGN(devices_, find_devices(*library_));
    return listings_of(devices_);
  }

  Result<std::shared_ptr<Device>> open_found(size_t index, const std::string& id,
                                             const DeviceOptions& options) override {
    const DeviceFacts& facts = devices_[index];
    if (facts.op_level()) return BuiltInDevice::open(library_, facts, id);
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, OpenClDevice::open(library_, facts, id, pocl_cache_));
    return compile_kernels_of(std::move(device), options);
  }

  bool only_builds_ = false;
  mutable std::shared_ptr<const PoclCache> pocl_cache_;
  mutable std::shared_ptr<const Library> library_;
  mutable std::vector<DeviceFacts> devices_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library) {
  return std::make_unique<OpenClBackend>(std::move(library));
}

}  // namespace trireme::opencl
