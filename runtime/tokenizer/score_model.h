// ScoreModel: SentencePiece's byte-pair encoding, where the token of the best score is merged first and what has no
// token falls back to bytes. Source: github.com/google/sentencepiece, bpe_model.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/byte_tokens.h"
#include "runtime/tokenizer/token_model.h"
#include "runtime/tokenizer/vocabulary.h"

namespace trireme::runtime {

class ScoreModel final : public TokenModel {
 public:
  // `scores` and `mergeable` have one entry an id. Control, unknown and byte tokens are not mergeable: text never turns
  // into them by merging. The vocabulary outlives the model. Errors: kCorruptData for a score that is not finite, or
  // when there is neither an unknown token nor one for each byte.
  static Result<std::unique_ptr<const TokenModel>> create(const Vocabulary& vocabulary, std::span<const float> scores,
                                                          const std::vector<bool>& mergeable,
                                                          std::optional<int32_t> unknown);

  void tokenize(std::string_view piece, SymbolList& symbols, std::vector<int32_t>& ids) const override;

 private:
  static constexpr uint32_t kNotMergeable = ~uint32_t{0};

  explicit ScoreModel(const Vocabulary& vocabulary) : vocabulary_(vocabulary), bytes_(vocabulary) {}
  std::optional<Merge> find(std::string_view text) const;
  void add_bytes(std::string_view text, std::vector<int32_t>& ids, bool& fused) const;

  const Vocabulary& vocabulary_;
  ByteTokens bytes_;
  std::optional<int32_t> unknown_;
  std::vector<uint32_t> priorities_;  // by id, in the scores' descending order
};

}  // namespace trireme::runtime
