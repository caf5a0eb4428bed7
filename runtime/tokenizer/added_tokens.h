// AddedTokens: the tokens that are recognised in a text before anything else happens to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/normalizer.h"
#include "runtime/tokenizer/token_trie.h"

namespace trireme::runtime {

// Fields as in tokenizer.json's "added_tokens".
struct AddedToken {
  int32_t id = -1;
  std::string content;       // what the text says; not empty
  bool single_word = false;  // not next to a word character
  bool lstrip = false;       // takes the white space on its left with it
  bool rstrip = false;
  bool normalized = false;  // searched for in the normalized text, in its own normalized form
  bool special = false;
};

// A stretch of text: a token, or (id -1) what lies between two tokens.
struct Stretch {
  size_t begin = 0;
  size_t end = 0;
  int32_t id = -1;
};

class AddedTokens {
 public:
  static constexpr size_t kMaxContentBytes = 512;

  // A second token of the same content replaces the first. Errors: kUnsupported for a content above kMaxContentBytes;
  // those of normalize().
  Status add(AddedToken token, std::span<const Normalizer> normalizer);

  // Cuts the text from left to right, at each place at the longest token. With parse_special false, special tokens are
  // skipped as plain text. `normalized` says which of the two kinds of tokens is searched for. Stretches may be empty
  // only when the text is.
  std::vector<Stretch> find(std::string_view text, bool normalized, bool parse_special) const;

  bool is_special(int32_t id) const;

  // The normalized content of a token that is searched for in the normalized text, which is what it decodes to; null
  // for any other id.
  const std::string* normalized_content(int32_t id) const;

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, size_t> by_content_;
  std::unordered_map<int32_t, std::string> normalized_contents_;
  std::vector<bool> special_;  // by id
  TokenTrie raw_;              // -> index into tokens_
  TokenTrie normalized_;
};

}  // namespace trireme::runtime
