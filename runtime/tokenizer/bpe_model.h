// BpeModel: byte-pair encoding with an ordered list of merges (Sennrich et al., arXiv 1508.07909).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/byte_tokens.h"
#include "runtime/tokenizer/flat_map.h"
#include "runtime/tokenizer/token_model.h"
#include "runtime/tokenizer/vocabulary.h"

namespace trireme::runtime {

struct BpeOptions {
  std::optional<std::string> unknown_token;
  std::string continuing_prefix;  // put before every symbol of a piece but the first
  std::string end_suffix;         // put behind the last symbol of a piece
  bool fuse_unknown = false;      // unknown characters next to each other are one token
  bool byte_fallback = false;     // an unknown character becomes its bytes' tokens, where all exist
  bool ignore_merges = false;     // a piece that is a token as a whole stays one
};

class BpeModel final : public TokenModel {
 public:
  using MergeList = std::vector<std::pair<std::string_view, std::string_view>>;

  // Merges are best first; of a pair that is there twice the last counts. The vocabulary outlives the model.
  // Errors: kCorruptData for a merge or an unknown token whose tokens are not in the vocabulary, or a merge that might
  // run in a cycle.
  static Result<std::unique_ptr<const TokenModel>> create(const Vocabulary& vocabulary, const MergeList& merges,
                                                          BpeOptions options);

  void tokenize(std::string_view piece, SymbolList& symbols, std::vector<int32_t>& ids) const override;

 private:
  BpeModel(const Vocabulary& vocabulary, BpeOptions options) : vocabulary_(vocabulary), options_(std::move(options)) {}
  Status add_merges(const MergeList& merges);
  void split(std::string_view piece, SymbolList& symbols) const;
  std::optional<int32_t> find_symbol(std::string_view character, bool first, bool last) const;

  const Vocabulary& vocabulary_;
  BpeOptions options_;
  std::optional<int32_t> unknown_;
  ByteTokens bytes_;
  FlatMap merges_;  // left id and right id -> rank and merged id
};

}  // namespace trireme::runtime
