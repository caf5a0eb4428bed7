#include "backends/opencl/backend.h"

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "backends/opencl/built_in_device.h"
#include "backends/opencl/device.h"

namespace trireme::opencl {
namespace {

std::string id_of(size_t index) { return "opencl:" + std::to_string(index); }

// PoCL's binaries are for groups of any size, and it compiles a kernel again, for the size that it has, when it is
// first launched. With this, which it reads once, its binaries also have the kernel for the groups of almost all
// kernels of CPUs. The name is that of a folder in PoCL's cache: one item, no offset, and fewer than 65,536 groups an
// axis.
void keep_groups_of_one_item() { setenv("POCL_BINARY_SPECIALIZE_WG", "1-1-1-goffs0-smallgrid", 1); }

class OpenClBackend final : public Backend {
 public:
  explicit OpenClBackend(std::string path) : path_(std::move(path)) {}

  std::string_view name() const override { return "opencl"; }
  Status use_library(const std::string& path) override {
    if (asked_)
      return fail(ErrorCode::kInvalidArgument, path, "the drivers of " + path_ + " are in use already",
                  "name it before any device");
    path_ = path;
    return {};
  }
  std::optional<std::string> unavailable() const override { return look().reason; }
  std::vector<DeviceListing> devices() const override {
    std::vector<DeviceListing> listings;
    for (const DeviceFacts& facts : look().devices)
      listings.push_back({id_of(listings.size()), facts.name, facts.driver(), facts.software()});
    return listings;
  }
  Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) override {
    const Found& found = look();
    if (index < 0 || size_t(index) >= found.devices.size())
      return fail(ErrorCode::kNotFound, "device opencl:" + std::to_string(index),
                  found.reason ? *found.reason : "there is no such device", "see 'trireme devices'");
    if (options.native_bf16)
      return fail(ErrorCode::kUnsupported, "native bf16", id_of(size_t(index)) + " computes in f32",
                  "leave it out, or use another device");
    const DeviceFacts& facts = found.devices[size_t(index)];
    if (facts.op_level()) return BuiltInDevice::open(found.library, facts, id_of(size_t(index)));
    if (options.only_builds && facts.software()) keep_groups_of_one_item();
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device,
                   OpenClDevice::open(found.library, facts, id_of(size_t(index))));
    return compile_kernels_of(std::move(device), options);
  }

 private:
  struct Found {
    std::shared_ptr<const Library> library;
    std::vector<DeviceFacts> devices;
    std::optional<std::string> reason;  // why there are none
  };

  // Drivers are large: they are loaded when someone first asks for devices.
  const Found& look() const {
    std::call_once(looked_, [&] {
      asked_ = true;
      const auto find = [&]() -> Status {
        TRIREME_ASSIGN(found_.library, Library::load(path_));
        TRIREME_ASSIGN(found_.devices, find_devices(*found_.library));
        return {};
      };
      if (const Status status = find(); !status) found_.reason = status.error().why() + "; " + status.error().remedy();
    });
    return found_;
  }

  std::string path_;
  mutable std::once_flag looked_;
  mutable std::atomic<bool> asked_ = false;
  mutable Found found_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library) {
  return std::make_unique<OpenClBackend>(std::move(library));
}

}  // namespace trireme::opencl
