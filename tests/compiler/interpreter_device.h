// A test double: a KernelDevice that interprets kernels on the host, and fails whatever the interpreter finds.
#pragma once

#include <memory>

#include "hal/kernel_device.h"

namespace trireme::compiler::test {

std::shared_ptr<KernelDevice> create_interpreter_device(const Target& changes = {});

// The compiler over it, as ops see it.
Result<std::shared_ptr<Device>> open_interpreter(const Target& changes = {});
// As if its items were threads of a processor with such vectors.
Result<std::shared_ptr<Device>> open_vector_interpreter(uint32_t lanes);

// As if its subgroups had matrix units.
Result<std::shared_ptr<Device>> open_matrix_interpreter(const MatrixTile& tile);

}  // namespace trireme::compiler::test
