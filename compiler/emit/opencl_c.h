// The emitter of OpenCL C 1.2, with optional features where the target has them.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

// Writes a kernel as text for people: its names, and one expression for what is used once. Each launch constant is one
// `uint` parameter behind the buffers. Errors: kUnsupported when the kernel needs what the target does not have.
Result<KernelSource> emit_opencl_c(const kernel::Function& function, const Target& target);

}  // namespace trireme::compiler
