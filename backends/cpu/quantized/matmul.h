// Matmul and MatmulGlu over packed weights and Q8_ACT activations, as kernels of the cpu device.
//
// Every output is computed by the same float operations in the same order, whatever the number of rows, chunks and
// threads: batched results equal single-row results bit for bit on one machine.
#pragma once

#include <memory>
#include <vector>

#include "backends/cpu/kernel.h"
#include "backends/cpu/quantized/packed_weight.h"

namespace trireme::cpu::quantized {

// Scratch of a kernel with this number of matrices (1, or 2 for GLU), known before there are weights: K columns.
uint64_t matmul_workspace_bytes(int64_t columns, int threads, int matrices);

// y = x W^T (+ bias) (+ residual). Operands: x Q8_ACT[R, K], (residual[R, N],) y f32[R, N].
// bias: N floats, or empty. threads: how many workers may run chunks.
std::unique_ptr<const Kernel> make_matmul(std::shared_ptr<const PackedWeight> weight, std::vector<float> bias,
                                          bool has_residual, int threads);

// y = activation(x Wgate^T) * (x Wup^T). Operands: x Q8_ACT[R, K], y f32[R, N], or Q8_ACT[R, N] with op.quantize.
// Gate and up have the same N and K, of any two codecs. With op.quantize, N is a multiple of 32.
std::unique_ptr<const Kernel> make_matmul_glu(std::shared_ptr<const PackedWeight> gate,
                                              std::shared_ptr<const PackedWeight> up, const MatmulGlu& op, int threads);

// "AVX3_DL", "AVX2", ...: the instruction set that the kernels run on here.
const char* kernel_target();

}  // namespace trireme::cpu::quantized
