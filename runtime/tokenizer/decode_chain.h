// Decoders: how the spellings of tokens become text. Named as in the official library.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace trireme::runtime {

struct ByteLevelDecoder {};  // from the byte alphabet, all tokens together
struct ReplaceDecoder {
  std::string pattern;  // not empty
  std::string content;
};
struct ByteFallbackDecoder {};  // tokens "<0x0A>", a run of them together
struct FuseDecoder {};
struct StripDecoder {
  std::string content;  // one character
  size_t start = 0;     // how many of it go at a token's beginning, at most
  size_t stop = 0;      // and at its end
};
struct MetaspaceDecoder {
  std::string replacement;
  bool drops_first = true;  // the first token's blanks go
};
struct JoinDecoder {};  // a blank between tokens

using Decoder = std::variant<ByteLevelDecoder, ReplaceDecoder, ByteFallbackDecoder, FuseDecoder, StripDecoder,
                             MetaspaceDecoder, JoinDecoder>;

// One stage of a running decode. Pieces arrive in parts, each of whole characters; most are one part that both opens
// and closes its piece.
class DecodeStage {
 public:
  virtual ~DecodeStage() = default;
  virtual void push(std::string_view text, bool opens, bool closes) = 0;
  virtual void finish() = 0;  // no more pieces; the stage becomes as new
};

// A running decode: tokens go in, text comes out as soon as no later token can change it.
class DecodeChain {
 public:
  explicit DecodeChain(std::span<const Decoder> decoders);
  ~DecodeChain();

  void push(std::string_view token) { stages_.back()->push(token, true, true); }
  void finish() { stages_.back()->finish(); }

  // The text that came out since the last call.
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
  std::vector<std::unique_ptr<DecodeStage>> stages_;  // the last one is where tokens go in
};

}  // namespace trireme::runtime
