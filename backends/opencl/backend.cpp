#include "backends/opencl/backend.h"

#include <cstdlib>

#include "backends/opencl/built_in_device.h"
#include "backends/opencl/device.h"
#include "hal/driver_backend.h"

namespace trireme::opencl {
namespace {

// PoCL's binaries are for groups of any size, and it compiles a kernel again, for the size that it has, when it is
// first launched. With this, which it reads once, its binaries also have the kernel for the groups of almost all
// kernels of CPUs. The name is that of a folder in PoCL's cache: one item, no offset, and fewer than 65,536 groups an
// axis.
void keep_groups_of_one_item() { setenv("POCL_BINARY_SPECIALIZE_WG", "1-1-1-goffs0-smallgrid", 1); }

class OpenClBackend final : public DriverBackend {
 public:
  explicit OpenClBackend(std::string path) : DriverBackend("opencl", std::move(path)) {}

 private:
  Result<std::vector<DeviceListing>> find(const std::string& path) const override {
    TRIREME_ASSIGN(library_, Library::load(path));
    TRIREME_ASSIGN(devices_, find_devices(*library_));
    return listings_of(devices_);
  }

  Result<std::shared_ptr<Device>> open_found(size_t index, const std::string& id,
                                             const DeviceOptions& options) override {
    const DeviceFacts& facts = devices_[index];
    if (facts.op_level()) return BuiltInDevice::open(library_, facts, id);
    if (options.only_builds && facts.software()) keep_groups_of_one_item();
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, OpenClDevice::open(library_, facts, id));
    return compile_kernels_of(std::move(device), options);
  }

  mutable std::shared_ptr<const Library> library_;
  mutable std::vector<DeviceFacts> devices_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library) {
  return std::make_unique<OpenClBackend>(std::move(library));
}

}  // namespace trireme::opencl
