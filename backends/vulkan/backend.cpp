#include "backends/vulkan/backend.h"

#include <mutex>

#include "backends/vulkan/device.h"

namespace trireme::vulkan {
namespace {

std::string id_of(size_t index) { return "vulkan:" + std::to_string(index); }

class VulkanBackend final : public Backend {
 public:
  VulkanBackend(std::string path, Diagnostics diagnostics)
      : path_(std::move(path)), diagnostics_(std::move(diagnostics)) {}

  std::string_view name() const override { return "vulkan"; }
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
      return fail(ErrorCode::kNotFound, "device vulkan:" + std::to_string(index),
                  found.reason ? *found.reason : "there is no such device", "see 'trireme devices'");
    if (options.native_bf16)
      return fail(ErrorCode::kUnsupported, "native bf16", id_of(size_t(index)) + " computes in f32",
                  "leave it out, or use another device");
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device,
                   VulkanDevice::open(found.instance, found.devices[size_t(index)], id_of(size_t(index))));
    return compile_kernels_of(std::move(device), options);
  }

 private:
  struct Found {
    std::shared_ptr<const Instance> instance;
    std::vector<DeviceFacts> devices;
    std::optional<std::string> reason;  // why there are none
  };

  // Drivers are large: they are loaded when someone first asks for devices.
  const Found& look() const {
    std::call_once(looked_, [&] {
      const auto find = [&]() -> Status {
        TRIREME_ASSIGN(std::shared_ptr<const Library> library, Library::load(path_));
        TRIREME_ASSIGN(found_.instance, Instance::create(std::move(library), diagnostics_));
        TRIREME_ASSIGN(found_.devices, find_devices(*found_.instance));
        return {};
      };
      if (const Status status = find(); !status) found_.reason = status.error().message();
    });
    return found_;
  }

  std::string path_;
  Diagnostics diagnostics_;
  mutable std::once_flag looked_;
  mutable Found found_;
};

}  // namespace

std::unique_ptr<Backend> create_backend(std::string library, Diagnostics diagnostics) {
  return std::make_unique<VulkanBackend>(std::move(library), std::move(diagnostics));
}

}  // namespace trireme::vulkan
