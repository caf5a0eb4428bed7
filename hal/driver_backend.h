// DriverBackend: a backend whose devices are those that the drivers of a library find.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hal/backend.h"

namespace trireme {

// A loaded library of drivers and the devices that it found, in one order.
class Drivers {
 public:
  virtual ~Drivers() = default;
  // Without ids.
  virtual std::vector<DeviceListing> listings() const = 0;
  // Opens the device of a listing.
  virtual Result<std::shared_ptr<Device>> open(size_t index, const std::string& id,
                                               const DeviceOptions& options) const = 0;

 protected:
  // Of devices that there are facts of.
  template <typename Facts>
  static std::vector<DeviceListing> listings_of(const std::vector<Facts>& devices) {
    std::vector<DeviceListing> listings;
    for (const Facts& facts : devices) listings.push_back({"", facts.name, facts.driver(), facts.software()});
    return listings;
  }
};

class DriverBackend : public Backend {
 public:
  std::string_view name() const final { return name_; }
  Status use_library(const std::string& path) final;
  std::optional<std::string> unavailable() const final;
  std::vector<DeviceListing> devices() const final;
  Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) final;

 protected:
  // `library` is the drivers' loader, by name or path. Nobody computes in bf16.
  DriverBackend(std::string name, std::string library) : name_(std::move(name)), library_(std::move(library)) {}

  // Called once. Errors: why there are no devices.
  virtual Result<std::unique_ptr<const Drivers>> load(const std::string& library) const = 0;

 private:
  // Drivers are large: they are loaded when someone first asks for devices.
  void look() const;

  const std::string name_;
  std::string library_;
  mutable std::once_flag looked_;
  mutable std::atomic<bool> asked_ = false;
  mutable std::unique_ptr<const Drivers> drivers_;
  mutable std::vector<DeviceListing> found_;
  mutable std::optional<std::string> reason_;  // why there are none
};

}  // namespace trireme
