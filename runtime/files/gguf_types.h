// The value types of GGUF, as reader and writer number them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include "runtime/files/gguf_metadata.h"

namespace trireme::runtime {

constexpr uint32_t kGgufMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kGgufDefaultAlignment = 32;
constexpr uint64_t kGgufMaxKeyLength = 65535;

// The id of array; a scalar's id is its index among the scalars below.
constexpr uint32_t kGgufBool = 7;
constexpr uint32_t kGgufString = 8;
constexpr uint32_t kGgufArray = 9;

// Calls `function` with a value of the scalar type of this id; returns false when there is no such type.
template <typename Function>
bool visit_gguf_type(uint32_t type_id, Function&& function) {
  switch (type_id) {
    case 0: function(uint8_t{}); return true;
    case 1: function(int8_t{}); return true;
    case 2: function(uint16_t{}); return true;
    case 3: function(int16_t{}); return true;
    case 4: function(uint32_t{}); return true;
    case 5: function(int32_t{}); return true;
    case 6: function(float{}); return true;
    case kGgufBool: function(bool{}); return true;
    case kGgufString: function(std::string{}); return true;
    case 10: function(uint64_t{}); return true;
    case 11: function(int64_t{}); return true;
    case 12: function(double{}); return true;
    default: return false;
  }
}

template <typename T>
constexpr uint32_t gguf_type_id() {
  if constexpr (std::is_same_v<T, uint8_t>) return 0;
  if constexpr (std::is_same_v<T, int8_t>) return 1;
  if constexpr (std::is_same_v<T, uint16_t>) return 2;
  if constexpr (std::is_same_v<T, int16_t>) return 3;
  if constexpr (std::is_same_v<T, uint32_t>) return 4;
  if constexpr (std::is_same_v<T, int32_t>) return 5;
  if constexpr (std::is_same_v<T, float>) return 6;
  if constexpr (std::is_same_v<T, bool>) return kGgufBool;
  if constexpr (std::is_same_v<T, std::string>) return kGgufString;
  if constexpr (std::is_same_v<T, uint64_t>) return 10;
  if constexpr (std::is_same_v<T, int64_t>) return 11;
  if constexpr (std::is_same_v<T, double>) return 12;
  return kGgufArray;
}

}  // namespace trireme::runtime
