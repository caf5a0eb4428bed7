#include "hal/backend.h"

#include <charconv>

namespace trireme {

void Registry::add(std::unique_ptr<Backend> backend) { backends_.push_back(std::move(backend)); }

Result<std::shared_ptr<Device>> Registry::open(std::string_view id, const DeviceOptions& options) const {
  const size_t colon = id.find(':');
  int index = -1;
  if (colon != std::string_view::npos) {
    const std::string_view digits = id.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size()) index = -1;
  }
  std::string known;
  for (const auto& backend : backends_) {
    const auto reason = backend->unavailable();
    if (!reason) {
      for (const DeviceListing& device : backend->devices()) known += (known.empty() ? "" : ", ") + device.id;
    }
    if (id.substr(0, colon) != backend->name() || index < 0) continue;
    if (reason) return fail(ErrorCode::kUnsupported, "device " + std::string(id), *reason, "see 'trireme devices'");
    if (index < int(backend->devices().size())) return backend->open(index, options);
  }
  return fail(ErrorCode::kNotFound, "device " + std::string(id), "there is no such device",
              "choose one of: " + (known.empty() ? "none is available" : known));
}

}  // namespace trireme
