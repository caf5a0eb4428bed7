// Test data: tensors of a small, trusted safetensors file.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace trireme {

class TensorFile {
 public:
  explicit TensorFile(const std::string& name) {
    std::ifstream file(std::string(TRIREME_TEST_DATA) + "/" + name, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    uint64_t length = 0;
    if (bytes_.size() < sizeof(length)) throw std::runtime_error(name + " cannot be read");
    std::memcpy(&length, bytes_.data(), sizeof(length));
    header_ = nlohmann::json::parse(bytes_.substr(8, length));
    data_ = 8 + length;
  }

  const nlohmann::json& header() const { return header_; }

  std::vector<int64_t> shape(const std::string& tensor) const { return header_.at(tensor).at("shape"); }

  template <typename T = std::byte>
  std::vector<T> read(const std::string& tensor) const {
    const std::vector<size_t> range = header_.at(tensor).at("data_offsets");
    std::vector<T> values((range[1] - range[0]) / sizeof(T));
    std::memcpy(values.data(), bytes_.data() + data_ + range[0], values.size() * sizeof(T));
    return values;
  }

 private:
  std::string bytes_;
  nlohmann::json header_;
  size_t data_ = 0;
};

}  // namespace trireme
