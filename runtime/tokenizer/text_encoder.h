// TextEncoder: one run of a tokenizer's stages over a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/symbols.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {

class TextEncoder {
 public:
  explicit TextEncoder(const TokenizerParts& parts) : parts_(parts) {}

  // The text must be UTF-8. Appends to ids().
  Status encode(std::string_view text, bool parse_special);
  void add(std::span<const int32_t> ids) { ids_.insert(ids_.end(), ids.begin(), ids.end()); }
  std::vector<int32_t> take() { return std::move(ids_); }

 private:
  // Words repeat; the ids of short pieces are kept, as a range of ids_.
  struct Range {
    size_t begin = 0;
    size_t end = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Status encode_stretch(std::string_view text, bool first, bool parse_special);
  Status encode_normalized(std::string_view text, bool first);
  void encode_piece(std::string_view piece);

  const TokenizerParts& parts_;
  std::vector<int32_t> ids_;
  SymbolList symbols_;
  std::unordered_map<std::string, Range, Hash, std::equal_to<>> seen_;
};

}  // namespace trireme::runtime
