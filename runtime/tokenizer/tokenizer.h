// Tokenizer: text to token ids and back, exactly as the model's official tokenizer does it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

struct TokenizerParts;  // the stages; private to this folder

struct EncodeOptions {
  bool add_bos = false;       // put the tokens first that the model's metadata places before a text; often none
  bool add_eos = false;       // put the tokens last that the model's metadata places behind a text; often none
  bool parse_special = true;  // special tokens written in the text become their ids; else they are plain text
};

// Immutable, so one may be shared by any number of threads.
class Tokenizer {
 public:
  explicit Tokenizer(std::unique_ptr<const TokenizerParts> parts);
  ~Tokenizer();

  // Text that is not UTF-8 is read with U+FFFD in the place of each maximal invalid sequence. Time grows as n log n.
  // Errors: kUnsupported when a regular expression of the tokenizer reaches its match limit on this text;
  // kInvalidArgument above 256 MiB of text.
  Result<std::vector<int32_t>> encode(std::string_view text, const EncodeOptions& options = {}) const;

  // Always valid UTF-8. Ids outside the vocabulary give no text. The first token loses the blank that its format put
  // before the text. To decode token by token see StreamingDecoder.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  // One more than the largest id. A model may have more logits than that.
  int32_t vocab_size() const;

  // The token as the vocabulary spells it ("Ġhello", "▁hello", "<0x0A>"), or in its normalized form where
  // that is what texts are searched for; empty for an id that does not exist.
  std::string_view token_text(int32_t id) const;
  // The id that the vocabulary gives to exactly this spelling.
  std::optional<int32_t> token_id(std::string_view text) const;

  bool has_token(int32_t id) const;

  // A token that controls the model and is no text of the user's ("<|im_end|>").
  bool is_special(int32_t id) const;

  // From the model's metadata; empty where it names none.
  std::optional<int32_t> bos() const;
  std::optional<int32_t> eos() const;
  std::optional<int32_t> pad() const;
  std::optional<int32_t> unknown() const;

  // Whether the metadata asks for a beginning-of-text token, which is what EncodeOptions::add_bos puts.
  bool adds_bos() const;

  // Every id that ends a generation: end of text, of turn, of message; ascending.
  std::span<const int32_t> end_ids() const;
  bool is_end(int32_t id) const;

  const TokenizerParts& parts() const { return *parts_; }

 private:
  std::unique_ptr<const TokenizerParts> parts_;
};

}  // namespace trireme::runtime
