// Backend: a family of devices behind one driver, and the registry of all backends in this program.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/device.h"

namespace trireme {

struct DeviceOptions {
  int threads = 0;  // host threads for devices that compute on them; 0: one for each core that the process may use
  // Round the activations of matmuls with bf16 weights to bf16 where the processor multiplies it: faster, less exact.
  bool native_bf16 = false;
};

// What can be known of a device without opening it.
struct DeviceListing {
  std::string id;
  std::string name;
  std::string driver;
  bool software = false;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "cpu"

  // Empty when usable, else the reason ("libOpenCL.so.1 was not found"), which is never an error by itself.
  virtual std::optional<std::string> unavailable() const = 0;
  virtual std::vector<DeviceListing> devices() const = 0;
  virtual Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) = 0;
};

// The backends of one program, in the order in which `devices` lists them.
class Registry {
 public:
  void add(std::unique_ptr<Backend> backend);
  std::span<const std::unique_ptr<Backend>> backends() const { return backends_; }

  // Opens "backend:index". Errors: kNotFound with the ids that exist; kUnsupported when the backend is unavailable
  // or cannot do what the options ask for.
  Result<std::shared_ptr<Device>> open(std::string_view id, const DeviceOptions& options = {}) const;

 private:
  std::vector<std::unique_ptr<Backend>> backends_;
};

}  // namespace trireme
