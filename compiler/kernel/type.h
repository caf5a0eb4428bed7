// Type: what a value of a kernel holds: one number, or a short vector of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trireme::kernel {

// Of u8 and u16 there are only values that were loaded or will be stored: arithmetic has 32 bits.
enum class Scalar : uint8_t { kBool, kU8, kU16, kU32, kI32, kF32 };

struct Type {
  Scalar scalar = Scalar::kU32;
  int lanes = 1;  // 1, 2, 4, 8 or 16; SPIR-V has no more than 4

  bool operator==(const Type&) const = default;
  bool is_float() const { return scalar == Scalar::kF32; }
  bool is_integer() const { return scalar == Scalar::kU32 || scalar == Scalar::kI32; }
  bool is_bool() const { return scalar == Scalar::kBool; }
  Type with_lanes(int count) const { return {scalar, count}; }
};

inline constexpr Type kBool{Scalar::kBool, 1};
inline constexpr Type kU8{Scalar::kU8, 1};
inline constexpr Type kU16{Scalar::kU16, 1};
inline constexpr Type kU32{Scalar::kU32, 1};
inline constexpr Type kI32{Scalar::kI32, 1};
inline constexpr Type kF32{Scalar::kF32, 1};

inline constexpr int kMostLanes = 16;
inline bool is_lane_count(int lanes) { return lanes >= 1 && lanes <= kMostLanes && (lanes & (lanes - 1)) == 0; }

int scalar_bytes(Scalar scalar);  // 1, 2 or 4; of bool 4
inline int type_bytes(Type type) { return scalar_bytes(type.scalar) * type.lanes; }

std::string type_name(Type type);  // "f32", "u32x4"
// False when there is no such type.
bool parse_type(std::string_view text, Type& type);

}  // namespace trireme::kernel
