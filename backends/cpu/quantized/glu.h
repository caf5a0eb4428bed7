// The gated half of MatmulGlu's epilogue.
#pragma once

#include <cstdint>

#include "hal/ops.h"

namespace trireme::cpu::quantized {

// y[i] = activation(gate[i]) * up[i]. count is a multiple of 16, the pointers are 64-byte aligned; y may be gate.
void activate_and_multiply(Activation activation, const float* gate, const float* up, int64_t count, float* y);

// One group of 32 activations, as QuantizeQ8 defines it.
void quantize_q8_group(const float* x, int8_t* codes, float& scale, int32_t& sum);

}  // namespace trireme::cpu::quantized
