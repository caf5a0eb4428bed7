// TokenizerData: what a GGUF file says about its tokenizer, free of the file's reader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/tokenizer.h"

namespace trireme::runtime {

// The values of tokenizer.ggml.token_type.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // special: recognised in text only when EncodeOptions::parse_special says so
  kUserDefined = 4,  // recognised in text always
  kUnused = 5,
  kByte = 6,  // "<0x0A>"
};

// Each field is the key tokenizer.ggml.<name>, unless said otherwise. An empty optional means that the key is absent.
struct TokenizerData {
  std::string model;                 // "gpt2": byte-level BPE; "llama": SentencePiece's BPE
  std::string pre;                   // which pre-tokenizer byte-level BPE uses; empty is "default"
  std::vector<std::string> tokens;   // by id
  std::vector<float> scores;         // one a token; "llama" needs them
  std::vector<int32_t> token_types;  // token_type: one a token, or empty when all are normal
  std::vector<std::string> merges;   // "left right", best first; "gpt2" needs them

  std::optional<int64_t> bos_token_id;
  std::optional<int64_t> eos_token_id;
  std::optional<int64_t> unknown_token_id;
  std::optional<int64_t> padding_token_id;
  std::optional<int64_t> eot_token_id;  // end of turn
  std::optional<int64_t> eom_token_id;  // end of message
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
  std::optional<bool> add_space_prefix;
};

// Errors: kUnsupported for a model or pre-tokenizer that this program does not know; kCorruptData for sizes that
// disagree, ids out of range, a token that is there twice, or a merge of tokens that do not exist.
Result<std::shared_ptr<const Tokenizer>> make_tokenizer(TokenizerData data);

}  // namespace trireme::runtime
