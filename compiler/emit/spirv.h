// The emitter of SPIR-V 1.3 for compute pipelines of Vulkan, with optional features where the target has them.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

// Writes a kernel as the words of a module with one entry point, named like the kernel. Buffers are storage buffers of
// descriptor set 0 by their number, or uniform texel buffers where the target fetches texels (see spirv_buffers.h);
// launch constants are one push constant word each; specializations have their number as SpecId. Errors: kUnsupported
// when the kernel needs what the target does not have.
Result<KernelSource> emit_spirv(const kernel::Function& function, const Target& target);

}  // namespace trireme::compiler
