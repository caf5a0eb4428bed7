// evaluate: what the arithmetic ops of a kernel give, on the bits of one lane.
#pragma once

#include <bit>
#include <cstdint>

#include "compiler/kernel/op.h"
#include "compiler/kernel/type.h"

namespace trireme::kernel {

inline float as_float(uint32_t bits) { return std::bit_cast<float>(bits); }
inline uint32_t as_bits(float value) { return std::bit_cast<uint32_t>(value); }

// kAdd to kRoundEven of f32, without the fused kind. Ops of one operand ignore b.
uint32_t evaluate_float(Op op, uint32_t a, uint32_t b);
// The integer ops of one or two operands. `why` is set when the result is undefined.
uint32_t evaluate_integer(Op op, bool is_signed, uint32_t a, uint32_t b, const char*& why);
bool evaluate_comparison(Op op, Scalar scalar, uint32_t a, uint32_t b);
uint32_t evaluate_convert(Scalar from, Scalar to, uint32_t bits);
uint32_t evaluate_extract_bits(bool is_signed, uint32_t bits, uint32_t offset, uint32_t width);
int32_t evaluate_dot4(bool is_signed, uint32_t a, uint32_t b);

}  // namespace trireme::kernel
