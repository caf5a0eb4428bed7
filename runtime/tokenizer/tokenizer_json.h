// Tokenizers in the Hugging Face layout: tokenizer.json and the files next to it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "hal/result.h"
#include "runtime/tokenizer/tokenizer.h"

namespace trireme::runtime {

// The texts of the files. Only tokenizer.json must be there; the others name special tokens and end-of-text ids.
struct TokenizerFiles {
  std::string_view tokenizer;                         // tokenizer.json
  std::optional<std::string_view> tokenizer_config;   // tokenizer_config.json
  std::optional<std::string_view> generation_config;  // generation_config.json
  std::optional<std::string_view> config;             // config.json
};

// Errors: kUnsupported for a model, normalizer, pre-tokenizer, decoder, post-processor or option that this program does
// not know, named in the error; kCorruptData for JSON that is broken or disagrees with itself.
// Source: github.com/huggingface/tokenizers, whose behaviour on every text is the definition.
Result<std::shared_ptr<const Tokenizer>> parse_tokenizer_json(const TokenizerFiles& files);

}  // namespace trireme::runtime
