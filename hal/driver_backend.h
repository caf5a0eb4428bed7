// DriverBackend: a backend whose devices are those that the drivers of a library find.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "hal/backend.h"

namespace trireme {

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

  // Loads the library and finds its devices, in one order; called once. Listings need no ids. Errors: why there are
  // none.
  virtual Result<std::vector<DeviceListing>> find(const std::string& library) const = 0;
  // What find() gives of devices that it has facts of.
  template <typename Facts>
  static std::vector<DeviceListing> listings_of(const std::vector<Facts>& devices) {
    std::vector<DeviceListing> listings;
    for (const Facts& facts : devices) listings.push_back({"", facts.name, facts.driver(), facts.software()});
    return listings;
  }
  // Opens the device of a listing that find() gave.
  virtual Result<std::shared_ptr<Device>> open_found(size_t index, const std::string& id,
                                                     const DeviceOptions& options) = 0;

 private:
  // Drivers are large: they are loaded when someone first asks for devices.
  void look() const;

  const std::string name_;
  std::string library_;
  mutable std::once_flag looked_;
  mutable std::atomic<bool> asked_ = false;
  mutable std::vector<DeviceListing> found_;
  mutable std::optional<std::string> reason_;  // why there are none
};

}  // namespace trireme
