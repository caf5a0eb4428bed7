#include "tests/random/devices.h"

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"

namespace trireme::random {

Result<std::shared_ptr<KernelDevice>> open_kernel_device(const std::string& id) {
  std::shared_ptr<KernelDevice> opened;
  DeviceOptions options;
  options.kernel_compiler = [&](std::shared_ptr<KernelDevice> device) {
    opened = device;
    return compiler::compile_for(std::move(device));
  };
  TRIREME_ASSIGN(const auto device, built_in_backends().open(id, options));
  if (!opened) return fail(ErrorCode::kUnsupported, id, "it runs no kernels");
  return opened;
}

Result<std::shared_ptr<Device>> open_op_device(const std::string& id) {
  Registry registry = built_in_backends();
  registry.compile_with(compiler::kernel_compiler());
  return registry.open(id, {.threads = 2});
}

}  // namespace trireme::random
