// One op on one device, through the public contract only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "hal/device.h"

namespace trireme::conformance {

using Bytes = std::vector<std::byte>;

// An op with the bytes of its inputs, constants included.
struct Case {
  std::string name;
  OpDesc op;
  std::vector<Bytes> inputs;
  std::optional<int32_t> token_count;
  std::optional<int32_t> output_count;
  // Of each input, the further tensors that its format needs. May be shorter than inputs.
  std::vector<std::vector<Bytes>> planes = {};

  // Input i as a device's constant.
  HostTensor constant(size_t i) const;
};

// What fills every output that shares no input's storage before the op runs.
constexpr std::byte kUntouched{0xa5};

// Prepares, records, submits, waits and reads back: the bytes of each output. Errors: what the device gave, and
// kInternal when it wrote outside its operands.
Result<std::vector<Bytes>> execute(Device& device, const Case& test);

// A view of a tensor's bytes as numbers of one type, and back.
template <typename T>
std::vector<T> values_of(const Bytes& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) __builtin_memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}
template <typename T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!values.empty()) __builtin_memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace trireme::conformance
