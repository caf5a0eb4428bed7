// Enumerants of SPV_KHR_cooperative_matrix, which SPIR-V's headers have since the end of 2023. Source: the SPIR-V
// registry, github.com/KhronosGroup/SPIRV-Registry.
#pragma once

#include <spirv/unified1/spirv.hpp>

namespace trireme::compiler::cooperative {

inline constexpr const char* kExtension = "SPV_KHR_cooperative_matrix";
inline constexpr auto kCapability = spv::Capability(6022);

inline constexpr auto kOpType = spv::Op(4456);    // component type, scope, rows, columns, use
inline constexpr auto kOpLoad = spv::Op(4457);    // pointer, layout, stride, memory operands
inline constexpr auto kOpStore = spv::Op(4458);   // pointer, object, layout, stride, memory operands
inline constexpr auto kOpMulAdd = spv::Op(4459);  // a, b, c, operands

enum Use : uint32_t { kLeft = 0, kRight = 1, kAccumulator = 2 };
enum Layout : uint32_t { kRowMajor = 0, kColumnMajor = 1 };
inline constexpr uint32_t kAllSigned = 0xf;  // components of a, b, c and the result

}  // namespace trireme::compiler::cooperative
