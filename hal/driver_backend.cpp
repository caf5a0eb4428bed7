#include "hal/driver_backend.h"

namespace trireme {

void DriverBackend::look() const {
  std::call_once(looked_, [this] {
    asked_ = true;
    auto loaded = load(library_);
    if (!loaded) {
      const std::string& remedy = loaded.error().remedy();
      reason_ = loaded.error().why() + (remedy.empty() ? "" : "; " + remedy);
      return;
    }
    drivers_ = *std::move(loaded);
    found_ = drivers_->listings();
    for (size_t i = 0; i < found_.size(); ++i) found_[i].id = name_ + ":" + std::to_string(i);
  });
}

Status DriverBackend::use_library(const std::string& path) {
  if (asked_)
    return fail(ErrorCode::kInvalidArgument, path, "the drivers of " + library_ + " are in use already",
                "name it before any device");
  library_ = path;
  return {};
}

std::optional<std::string> DriverBackend::unavailable() const {
  look();
  return reason_;
}

std::vector<DeviceListing> DriverBackend::devices() const {
  look();
  return found_;
}

Result<std::shared_ptr<Device>> DriverBackend::open(int index, const DeviceOptions& options) {
  look();
  if (index < 0 || size_t(index) >= found_.size())
    return fail(ErrorCode::kNotFound, "device " + name_ + ":" + std::to_string(index),
                reason_ ? *reason_ : "there is no such device", "see 'trireme devices'");
  const std::string& id = found_[size_t(index)].id;
  if (options.native_bf16)
    return fail(ErrorCode::kUnsupported, "native bf16", id + " computes in f32", "leave it out, or use another device");
  return drivers_->open(size_t(index), id, options);
}

}  // namespace trireme
