// The devices that random programs run on.
#pragma once

#include <memory>
#include <string>

#include "hal/kernel_device.h"

namespace trireme::random {

// "opencl:0": the device itself, below the compiler. Errors: kNotFound; kUnsupported for one that runs no kernels.
Result<std::shared_ptr<KernelDevice>> open_kernel_device(const std::string& id);

// "cpu:0", "opencl:0": as ops see it. Errors: kNotFound.
Result<std::shared_ptr<Device>> open_op_device(const std::string& id);

}  // namespace trireme::random
