// StreamingDecoder: the text of a generation, token by token.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/tokenizer/tokenizer.h"

namespace trireme::runtime {

class DecodeChain;  // private to this folder

// What push() and finish() give, joined, is exactly what Tokenizer::decode() gives for the same ids. Each piece is
// valid UTF-8: a character that the tokens so far hold only in part is kept back until the rest arrives or finish() is
// called.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special = false);
  StreamingDecoder(StreamingDecoder&& other) noexcept;
  StreamingDecoder& operator=(StreamingDecoder&& other) noexcept;
  ~StreamingDecoder();

  // The text that this token completes; often a word, possibly empty.
  std::string push(int32_t id);
  // What was kept back. Afterwards the decoder is as new.
  std::string finish();

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_;
  std::unique_ptr<DecodeChain> chain_;
};

}  // namespace trireme::runtime
