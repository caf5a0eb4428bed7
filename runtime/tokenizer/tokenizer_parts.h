// TokenizerParts: the stages of a tokenizer, in the order in which a text passes them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/tokenizer/added_tokens.h"
#include "runtime/tokenizer/decode_chain.h"
#include "runtime/tokenizer/normalizer.h"
#include "runtime/tokenizer/pre_tokenizer.h"
#include "runtime/tokenizer/token_model.h"
#include "runtime/tokenizer/vocabulary.h"

namespace trireme::runtime {

struct TokenizerParts {
  Vocabulary vocabulary;  // of the model and the added tokens; the model refers to it, so parts do not move
  AddedTokens added;
  std::vector<Normalizer> normalizer;
  std::vector<PreTokenizer> pre_tokenizer;
  std::unique_ptr<const TokenModel> model;
  std::vector<int32_t> first_ids;  // put before a text when asked
  std::vector<int32_t> last_ids;
  std::vector<Decoder> decoder;

  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<int32_t> pad;
  std::optional<int32_t> unknown;
  std::vector<int32_t> end_ids;  // ascending

  TokenizerParts() = default;
  TokenizerParts(const TokenizerParts&) = delete;
  TokenizerParts& operator=(const TokenizerParts&) = delete;
};

}  // namespace trireme::runtime
