#include "runtime/tokenizer/byte_alphabet.h"

#include <algorithm>

#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

constexpr size_t kHighest = *std::max_element(kByteAlphabet.begin(), kByteAlphabet.end());

constexpr std::array<int16_t, kHighest + 1> kBytes = [] {
  std::array<int16_t, kHighest + 1> table{};
  table.fill(-1);
  for (size_t byte = 0; byte < kByteAlphabet.size(); ++byte) table[kByteAlphabet[byte]] = static_cast<int16_t>(byte);
  return table;
}();

}  // namespace

void append_byte_alphabet(std::string& text, std::string_view bytes) {
  for (const char byte : bytes) append_utf8(text, kByteAlphabet[static_cast<unsigned char>(byte)]);
}

std::optional<std::string> read_byte_alphabet(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const Utf8Unit unit = read_utf8(text, at);
    if (!unit.valid || unit.value >= kBytes.size() || kBytes[unit.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[unit.value]));
    at += unit.length;
  }
  return bytes;
}

}  // namespace trireme::runtime
