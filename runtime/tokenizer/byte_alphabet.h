// The printable characters that byte-level BPE writes for the 256 bytes ("Ġ" is a blank).
// Source: github.com/openai/gpt-2, encoder.py: printable Latin-1 stands for itself, the others take U+0100 on, in
// order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trireme::runtime {

inline constexpr std::array<char16_t, 256> kByteAlphabet = [] {
  std::array<char16_t, 256> table{};
  char16_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table[byte] = printable ? static_cast<char16_t>(byte) : next++;
  }
  return table;
}();

// Appends the characters that stand for these bytes.
void append_byte_alphabet(std::string& text, std::string_view bytes);

// The bytes that the characters stand for; empty when one of them stands for none.
std::optional<std::string> read_byte_alphabet(std::string_view text);

}  // namespace trireme::runtime
