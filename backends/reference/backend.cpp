#include "backends/reference/backend.h"

#include "backends/reference/device.h"

namespace trireme::reference {
namespace {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::optional<std::string> unavailable() const override { return std::nullopt; }
  std::vector<DeviceListing> devices() const override {
    const DeviceInfo info = ReferenceDevice().info();
    return {{info.id, info.name, info.driver, info.software}};
  }
  Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) override {
    if (index != 0)
      return fail(ErrorCode::kNotFound, "device reference:" + std::to_string(index), "there is only reference:0",
                  "choose reference:0");
    if (options.native_bf16)
      return fail(ErrorCode::kUnsupported, "native bf16", "reference:0 computes in f32",
                  "leave it out, or use another device");
    return std::make_shared<ReferenceDevice>();
  }
};

}  // namespace

std::unique_ptr<Backend> create_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace trireme::reference
