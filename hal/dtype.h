// Element types: what one number is. How numbers are packed into weights is a Format.
#pragma once

#include <cstdint>
#include <string_view>

namespace trireme {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  // OCP e4m3fn: no infinity, 0x7f and 0xff are NaN
  kI32,
  kI16,
  kI8,
  kU8,
};

// Bytes of one element.
constexpr int dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32: return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16: return 2;
    case DType::kF8E4M3:
    case DType::kI8:
    case DType::kU8: return 1;
  }
  return 0;
}

std::string_view dtype_name(DType dtype);

// Exact widenings, and narrowings that round to nearest even (IEEE 754; bf16 is the upper half of an f32;
// e4m3 as in the OCP 8-bit floating point specification). NaN stays NaN.
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);
float f8e4m3_to_f32(uint8_t bits);

}  // namespace trireme
