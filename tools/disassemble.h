// The text of kernels that are no text.
#pragma once

#include "hal/kernel_device.h"

namespace trireme::tools {

// The kernel as a reader sees it: its code where that is text, else the assembly of its SPIR-V module, with the names
// that it gives. Errors: kCorruptData when the code is neither.
Result<std::string> readable(const KernelSource& source);

}  // namespace trireme::tools
