// GgufBytes: GGUF files by hand, also such as no writer would make.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace trireme::runtime {

class GgufBytes {
 public:
  template <typename T>
  GgufBytes& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  GgufBytes& text(std::string_view text) {
    put<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  GgufBytes& header(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
    bytes_ += "GGUF";
    return put(version).put(tensors).put(pairs);
  }
  template <typename T>
  GgufBytes& pair(std::string_view key, uint32_t type, T value) {
    return text(key).put(type).put(value);
  }
  // Sizes as the file has them: the fastest dimension first.
  GgufBytes& tensor(std::string_view name, const std::vector<uint64_t>& sizes, uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) put(size);
    return put(type).put(offset);
  }
  GgufBytes& pad(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  GgufBytes& data(size_t count, char value = 1) {
    bytes_.append(count, value);
    return *this;
  }

  std::string take() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace trireme::runtime
