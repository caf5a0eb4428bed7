#include "runtime/tokenizer/utf8.h"

#include <algorithm>

namespace trireme::runtime {
namespace {

// The bytes that may follow a lead byte first (Unicode 15, table 3-7), and how many follow in all.
struct Lead {
  size_t followers;
  unsigned char low;
  unsigned char high;
};

Lead classify(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Unit read_utf8(std::string_view text, size_t at) {
  const auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1, true, false};
  const Lead lead = classify(first);
  if (lead.followers == 0) return {0, 1, false, false};
  char32_t value = first & (0x3Fu >> lead.followers);
  for (size_t i = 1; i <= lead.followers; ++i) {
    if (at + i == text.size()) return {0, i, false, true};
    const unsigned char next = byte(at + i);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (next < low || next > high) return {0, i, false, false};
    value = (value << 6) | (next & 0x3Fu);
  }
  return {value, lead.followers + 1, true, false};
}

void append_utf8(std::string& text, char32_t value) {
  const auto add = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    add(value);
  } else if (value < 0x800) {
    add(0xC0 | (value >> 6));
    add(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    add(0xE0 | (value >> 12));
    add(0x80 | ((value >> 6) & 0x3F));
    add(0x80 | (value & 0x3F));
  } else {
    add(0xF0 | (value >> 18));
    add(0x80 | ((value >> 12) & 0x3F));
    add(0x80 | ((value >> 6) & 0x3F));
    add(0x80 | (value & 0x3F));
  }
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Unit unit = read_utf8(text, at);
    if (!unit.valid) return false;
    at += unit.length;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Unit unit = read_utf8(text, at);
    result += unit.valid ? text.substr(at, unit.length) : kReplacementCharacter;
    at += unit.length;
  }
  return result;
}

size_t settled_utf8(std::string_view text) {
  // A truncated character has at most three bytes, and begins with the last byte that is no continuation.
  const size_t oldest = text.size() - std::min<size_t>(text.size(), 3);
  for (size_t at = text.size(); at > oldest;) {
    --at;
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    return read_utf8(text, at).truncated ? at : text.size();
  }
  return text.size();
}

}  // namespace trireme::runtime
