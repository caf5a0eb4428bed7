#include "hal/backend.h"

#include <charconv>

namespace trireme {

Result<std::shared_ptr<Device>> compile_kernels_of(std::shared_ptr<KernelDevice> device, const DeviceOptions& options) {
  if (options.kernel_compiler) return options.kernel_compiler(std::move(device));
  return fail(ErrorCode::kUnsupported, "device " + device->info().id, "it runs kernels, and nothing here compiles any",
              "use another device");
}

Status Backend::use_library(const std::string& path) {
  return fail(ErrorCode::kUnsupported, path, "the backend " + std::string(name()) + " loads no drivers");
}

Status Registry::use_library(std::string_view backend, const std::string& path) {
  for (const auto& known : backends_)
    if (known->name() == backend) return known->use_library(path);
  return fail(ErrorCode::kNotFound, "backend " + std::string(backend), "this program was built without it",
              "build it with TRIREME_BACKENDS");
}

void Registry::only_build() {
  for (const auto& backend : backends_) backend->only_build();
}

void Registry::add(std::unique_ptr<Backend> backend) { backends_.push_back(std::move(backend)); }

Result<std::shared_ptr<Device>> Registry::open(std::string_view id, const DeviceOptions& options) const {
  const size_t colon = id.find(':');
  int index = -1;
  if (colon != std::string_view::npos) {
    const std::string_view digits = id.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size()) index = -1;
  }
  for (const auto& backend : backends_) {
    if (id.substr(0, colon) != backend->name() || index < 0) continue;
    if (const auto reason = backend->unavailable())
      return fail(ErrorCode::kUnsupported, "device " + std::string(id), *reason, "see 'trireme devices'");
    if (index >= int(backend->devices().size())) continue;
    DeviceOptions completed = options;
    if (!completed.kernel_compiler) completed.kernel_compiler = kernel_compiler_;
    return backend->open(index, completed);
  }
  std::string known;
  for (const auto& backend : backends_) {
    if (backend->unavailable()) continue;
    for (const DeviceListing& device : backend->devices()) known += (known.empty() ? "" : ", ") + device.id;
  }
  return fail(ErrorCode::kNotFound, "device " + std::string(id), "there is no such device",
              "choose one of: " + (known.empty() ? "none is available" : known));
}

}  // namespace trireme
