// GroupedMatmul over packed weights and Q8_ACT activations, as a kernel of the cpu device. Every output has the bits
// that Matmul by its expert alone gives.
#pragma once

#include <memory>

#include "backends/cpu/expert_kernel.h"
#include "backends/cpu/quantized/packed_weight.h"

namespace trireme::cpu::quantized {

// Scratch of the kernel, known before there are weights, of so many columns.
uint64_t grouped_matmul_workspace_bytes(const ExpertSizes& sizes, int64_t columns, int threads);

// Operands: x Q8_ACT[R, K], ids I32[R, S], y f32[R, S, N]. The weight has the experts' rows one after the other.
std::unique_ptr<const Kernel> make_grouped_matmul(std::shared_ptr<const PackedWeight> weight, const ExpertSizes& sizes,
                                                  int threads);

}  // namespace trireme::cpu::quantized
