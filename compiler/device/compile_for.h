// compile_for: the compiler as a registry needs it.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "compiler/build/build_options.h"
#include "hal/backend.h"

namespace trireme::compiler {

// Makes a device of one that runs kernels; built kernels are kept in `cache_folder`, unless it is empty.
// Errors: kUnsupported when there is no emitter for the device's language.
Result<std::shared_ptr<Device>> compile_for(std::shared_ptr<KernelDevice> device,
                                            const std::filesystem::path& cache_folder = {},
                                            const BuildOptions& options = {});

// The same as a Registry takes it.
KernelCompiler kernel_compiler(std::filesystem::path cache_folder = {}, BuildOptions options = {});

// The kernels that compute an op on a device that compile_for() gave, in their order, as text.
// Errors: kUnsupported for another device, and as Device::assess() would have said.
Result<std::vector<KernelSource>> kernel_sources(const Device& device, const OpDesc& op);

}  // namespace trireme::compiler
