// Matmul and MatmulGlu on float activations.
#pragma once

#include "backends/cpu/ops/make_kernel.h"

namespace trireme::cpu {

std::unique_ptr<const Kernel> make_float_matmul(const Matmul& op, const KernelContext& context);
std::unique_ptr<const Kernel> make_float_matmul_glu(const MatmulGlu& op, const KernelContext& context);
uint64_t float_matmul_workspace_bytes(const OpDesc& desc, int threads, bool native_bf16);

}  // namespace trireme::cpu
