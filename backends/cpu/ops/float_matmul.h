// What the float matmul kernels share across targets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trireme::cpu {

// How weight elements lie in memory.
enum class FloatElement : uint8_t { kF32, kF16, kBF16 };

constexpr int64_t float_element_bytes(FloatElement element) { return element == FloatElement::kF32 ? 4 : 2; }

// Rows of W.
struct FloatRows {
  FloatElement element;
  const std::byte* data;
  int64_t stride;  // bytes
};

inline constexpr int64_t kGemvRows = 32;  // steps with more rows go to oneDNN

}  // namespace trireme::cpu
