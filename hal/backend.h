// Backend: a family of devices behind one driver, and the registry of all backends in this program.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/device.h"
#include "hal/kernel_device.h"

namespace trireme {

// Makes a device of one that runs kernels.
using KernelCompiler = std::function<Result<std::shared_ptr<Device>>(std::shared_ptr<KernelDevice>)>;

struct DeviceOptions {
  int threads = 0;  // host threads for devices that compute on them; 0: one for each core that the process may use
  // Round the activations of matmuls with bf16 weights to bf16 where the processor multiplies it: faster, less exact.
  bool native_bf16 = false;
  KernelCompiler kernel_compiler = {};  // for backends whose devices run kernels; empty: the registry's
};

// What such a backend's open() gives. Errors: the compiler's; kUnsupported when there is none.
Result<std::shared_ptr<Device>> compile_kernels_of(std::shared_ptr<KernelDevice> device, const DeviceOptions& options);

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

  // Drivers are those of this library from now on, instead of the usual ones. Only before anyone asked for devices.
  // Errors: kUnsupported where a backend loads none, kInvalidArgument when it is too late.
  virtual Status use_library(const std::string& path);
  // The process does nothing but build kernels for others to launch, so that drivers can be told by its environment
  // how to. Only before anyone asked for devices.
  virtual void only_build() {}

  // Empty when usable, else the reason ("libOpenCL.so.1 was not found"), which is never an error by itself.
  virtual std::optional<std::string> unavailable() const = 0;
  virtual std::vector<DeviceListing> devices() const = 0;
  virtual Result<std::shared_ptr<Device>> open(int index, const DeviceOptions& options) = 0;
};

// The backends of one program, in the order in which `devices` lists them.
class Registry {
 public:
  void compile_with(KernelCompiler compiler) { kernel_compiler_ = std::move(compiler); }
  void add(std::unique_ptr<Backend> backend);
  std::span<const std::unique_ptr<Backend>> backends() const { return backends_; }

  // As Backend::use_library. Errors: also kNotFound when there is no such backend.
  Status use_library(std::string_view backend, const std::string& path);
  void only_build();

  // Opens "backend:index". Errors: kNotFound with the ids that exist; kUnsupported when the backend is unavailable
  // or cannot do what the options ask for.
  Result<std::shared_ptr<Device>> open(std::string_view id, const DeviceOptions& options = {}) const;

 private:
  std::vector<std::unique_ptr<Backend>> backends_;
  KernelCompiler kernel_compiler_;
};

}  // namespace trireme
