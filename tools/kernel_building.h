// How this program wants its kernels to be built.
#pragma once

#include "compiler/build/build_options.h"

namespace trireme::tools {

// In the helper program that lies beside this one or was installed with it, with a bar where it takes longer than a
// second. `opencl_library` as Context has it.
compiler::BuildOptions build_options(const std::string& opencl_library);

}  // namespace trireme::tools
