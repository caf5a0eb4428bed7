#include "runtime/tokenizer/byte_tokens.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace trireme::runtime {

ByteTokens::ByteTokens(const Vocabulary& vocabulary) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (size_t byte = 0; byte < ids_.size(); ++byte) {
    const std::string spelling = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    ids_[byte] = vocabulary.find(spelling).value_or(-1);
  }
}

bool ByteTokens::cover(std::string_view bytes) const {
  return std::all_of(bytes.begin(), bytes.end(),
                     [&](char byte) { return ids_[static_cast<unsigned char>(byte)] >= 0; });
}

std::optional<unsigned char> read_byte_token(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || !spelling.ends_with('>')) return std::nullopt;
  unsigned char byte = 0;
  const char* end = spelling.data() + 5;
  const auto [stop, error] = std::from_chars(spelling.data() + 3, end, byte, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return byte;
}

}  // namespace trireme::runtime
