// ByteTokens: the tokens "<0x00>" to "<0xFF>" that stand for single bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/tokenizer/vocabulary.h"

namespace trireme::runtime {

class ByteTokens {
 public:
  ByteTokens() { ids_.fill(-1); }
  explicit ByteTokens(const Vocabulary& vocabulary);

  int32_t operator[](unsigned char byte) const { return ids_[byte]; }  // -1 when there is none
  bool cover(std::string_view bytes) const;                            // each of the bytes has one

 private:
  std::array<int32_t, 256> ids_{};
};

// The byte that a token of this spelling stands for.
std::optional<unsigned char> read_byte_token(std::string_view spelling);

}  // namespace trireme::runtime
