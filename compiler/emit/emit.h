// emit: a kernel in the language of a target.
#pragma once

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

// Errors: kUnsupported for a language that nothing here writes.
Status check_language(const Target& target);

// Errors: also when the kernel needs what the target does not have.
Result<KernelSource> emit(const kernel::Function& function, const Target& target);

}  // namespace trireme::compiler
