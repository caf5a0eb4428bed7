// A test double: a device that says less of itself than it has.
#pragma once

#include <functional>

#include "hal/kernel_device.h"

namespace trireme::devices_test {

using Mask = std::function<void(Target&)>;

// "opencl:0" or "vulkan:0", whose kernels are written for what the mask leaves of the target. Errors: of opening it.
Result<std::shared_ptr<Device>> open_masked(const std::string& id, const Mask& mask);

}  // namespace trireme::devices_test
