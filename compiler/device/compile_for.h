// compile_for: the compiler as a registry needs it.
#pragma once

#include <memory>
#include <vector>

#include "hal/kernel_device.h"

namespace trireme::compiler {

// A Registry's KernelCompiler. Errors: kUnsupported when there is no emitter for the device's language.
Result<std::shared_ptr<Device>> compile_for(std::shared_ptr<KernelDevice> device);

// The kernels that compute an op on a device that compile_for() gave, in their order, as text.
// Errors: kUnsupported for another device, and as Device::assess() would have said.
Result<std::vector<KernelSource>> kernel_sources(const Device& device, const OpDesc& op);

}  // namespace trireme::compiler
