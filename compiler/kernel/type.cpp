#include "compiler/kernel/type.h"

#include <array>

namespace trireme::kernel {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"bool", "u8", "u16", "u32", "i32", "f32"};

}  // namespace

int scalar_bytes(Scalar scalar) {
  switch (scalar) {
    case Scalar::kU8: return 1;
    case Scalar::kU16: return 2;
    case Scalar::kBool:
    case Scalar::kU32:
    case Scalar::kI32:
    case Scalar::kF32: break;
  }
  return 4;
}

std::string type_name(Type type) {
  std::string name(kNames[size_t(type.scalar)]);
  return type.lanes == 1 ? name : name + "x" + std::to_string(type.lanes);
}

bool parse_type(std::string_view text, Type& type) {
  for (size_t i = 0; i < kNames.size(); ++i)
    for (int lanes = 1; lanes <= kMostLanes; lanes *= 2) {
      const Type candidate{Scalar(i), lanes};
      if (type_name(candidate) != text) continue;
      type = candidate;
      return true;
    }
  return false;
}

}  // namespace trireme::kernel
