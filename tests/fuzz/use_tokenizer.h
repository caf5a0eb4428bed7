// What every tokenizer owes its callers, whatever it was read from.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/streaming_decoder.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void require_one_line(const Error& error) { require(error.message().find('\n') == std::string::npos); }

// Ids of the vocabulary, the same ones each time; both ways of decoding them give the same valid UTF-8.
inline void check_text(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text,
                       const EncodeOptions& options) {
  const auto ids = tokenizer->encode(text, options);
  const auto again = tokenizer->encode(text, options);
  require(ids.has_value() == again.has_value());
  if (!ids) return require_one_line(ids.error());
  require(*ids == *again);
  StreamingDecoder decoder(tokenizer, options.parse_special);
  std::string streamed;
  for (const int32_t id : *ids) {
    require(tokenizer->has_token(id));
    streamed += decoder.push(id);
    require(is_utf8(streamed));
  }
  streamed += decoder.finish();
  require(is_utf8(streamed) && streamed == tokenizer->decode(*ids, options.parse_special));
}

// Texts of its own tokens, a text with a bit of everything, and `text`.
inline void use_tokenizer(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text) {
  std::string tokens;
  for (int32_t id = 0; id < tokenizer->vocab_size() && tokens.size() < 256; ++id) {
    (void)tokenizer->is_special(id);
    tokens += tokenizer->token_text(id);
  }
  for (const int32_t id : tokenizer->end_ids()) require(tokenizer->has_token(id) && tokenizer->is_end(id));
  constexpr std::string_view kMixed = "ab  Ab\n don't 123\t<s>é\u0301\u2581☃\xFF.\r\n \U0001F642";
  for (const std::string_view one :
       {std::string_view(tokens).substr(0, 512), kMixed, text.substr(0, 512), std::string_view()}) {
    check_text(tokenizer, one, {.add_bos = true, .add_eos = true, .parse_special = true});
    check_text(tokenizer, one, {.parse_special = false});
  }
}

}  // namespace trireme::runtime
