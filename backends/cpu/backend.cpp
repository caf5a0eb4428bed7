#include "backends/cpu/backend.h"

#include "backends/cpu/device.h"
#include "backends/cpu/features.h"

namespace trireme::cpu {
namespace {

constexpr int kMaxThreads = 1024;

class CpuBackend final : public Backend {
 public:
  std::string_view name() const override { return "cpu"; }
  std::optional<std::string> unavailable() const override { return std::nullopt; }

  std::vector<DeviceListing> devices() const override {
    return {{std::string(kDeviceId), processor_name(), driver_text(), false}};
  }

  Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) override {
    if (index != 0)
      return fail(ErrorCode::kNotFound, "device cpu:" + std::to_string(index), "there is one, cpu:0", "use cpu:0");
    if (options.threads < 0 || options.threads > kMaxThreads)
      return fail(ErrorCode::kInvalidArgument, "device cpu:0",
                  std::to_string(options.threads) + " threads were asked for",
                  "ask for 1 to " + std::to_string(kMaxThreads) + ", or 0 for one a core");
    return CpuDevice::open(options.threads, options.native_bf16);
  }
};

}  // namespace

std::unique_ptr<Backend> create_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace trireme::cpu
