// TokenModel: the stage that turns a piece of text into token ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/symbols.h"

namespace trireme::runtime {

// Immutable; the caller brings the working memory.
class TokenModel {
 public:
  virtual ~TokenModel() = default;

  // Appends the ids of one piece, which is UTF-8, not empty and shorter than 2^31 bytes.
  virtual void tokenize(std::string_view piece, SymbolList& symbols, std::vector<int32_t>& ids) const = 0;
};

}  // namespace trireme::runtime
