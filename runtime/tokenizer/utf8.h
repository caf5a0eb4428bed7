// UTF-8, read from text that may be broken.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trireme::runtime {

// What begins at one place of a text: a character, or a maximal sequence of bytes that is the beginning of none
// (Unicode 15, section 3.9, "substitution of maximal subparts").
struct Utf8Unit {
  char32_t value = 0;  // of a valid character
  size_t length = 0;   // bytes, at least 1
  bool valid = false;
  bool truncated = false;  // the text ends inside what could still become a character
};

// `at` lies inside the text.
Utf8Unit read_utf8(std::string_view text, size_t at);

void append_utf8(std::string& text, char32_t value);

bool is_utf8(std::string_view text);

// The text with U+FFFD in the place of each maximal invalid sequence.
std::string replace_invalid_utf8(std::string_view text);

// The length of the longest beginning of the text that later bytes cannot change the reading of.
size_t settled_utf8(std::string_view text);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace trireme::runtime
