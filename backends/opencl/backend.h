// The opencl backend: every device of every OpenCL driver on the machine, as devices that run compiled kernels, or
// those that are built in where the driver has no compiler.
#pragma once

#include <memory>
#include <string>

#include "hal/backend.h"

namespace trireme::opencl {

// `library` is the loader of drivers, or one driver itself, by name or path. It is opened when first asked for devices.
std::unique_ptr<Backend> create_backend(std::string library = "libOpenCL.so.1");

}  // namespace trireme::opencl
