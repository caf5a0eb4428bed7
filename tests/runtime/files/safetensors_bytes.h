// Safetensors files by hand, also such as no writer would make.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trireme::runtime {

inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  return bytes.append(header).append(data);
}

}  // namespace trireme::runtime
