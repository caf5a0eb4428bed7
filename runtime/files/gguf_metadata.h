// GgufMetadata: the typed key-value pairs of a GGUF file, in the file's order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

// Every type that GGUF knows, and arrays of each. Arrays of arrays exist in the format's text only and are refused.
using GgufValue =
    std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, uint64_t, int64_t,
                 double, std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>, std::vector<int16_t>,
                 std::vector<uint32_t>, std::vector<int32_t>, std::vector<float>, std::vector<bool>,
                 std::vector<std::string>, std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>;

// Widened views of a value; empty when it is of another kind or does not fit. as_real() also takes integers.
std::optional<int64_t> as_integer(const GgufValue& value);
std::optional<double> as_real(const GgufValue& value);
std::optional<bool> as_bool(const GgufValue& value);
const std::string* as_text(const GgufValue& value);
const std::vector<std::string>* as_texts(const GgufValue& value);
std::optional<std::vector<int64_t>> as_integers(const GgufValue& value);
std::optional<std::vector<double>> as_reals(const GgufValue& value);

class GgufMetadata {
 public:
  using Entry = std::pair<std::string, GgufValue>;

  std::span<const Entry> entries() const { return entries_; }
  const GgufValue* find(std::string_view key) const;  // null when absent

  // Errors: kCorruptData when the key is already there.
  Status add(std::string key, GgufValue value);
  // Replaces the value where the key is there, else adds it.
  void set(std::string key, GgufValue value);
  void erase(std::string_view key);

  // find() and as_*() in one; empty when absent or of another kind.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  const std::string* text(std::string_view key) const;
  const std::vector<std::string>* texts(std::string_view key) const;

 private:
  std::vector<Entry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace trireme::runtime
