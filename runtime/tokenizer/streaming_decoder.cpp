#include "runtime/tokenizer/streaming_decoder.h"

#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {

StreamingDecoder::StreamingDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)),
      skip_special_(skip_special),
      chain_(std::make_unique<DecodeChain>(tokenizer_->parts().decoder)) {}
StreamingDecoder::StreamingDecoder(StreamingDecoder&& other) noexcept = default;
StreamingDecoder& StreamingDecoder::operator=(StreamingDecoder&& other) noexcept = default;
StreamingDecoder::~StreamingDecoder() = default;

std::string StreamingDecoder::push(int32_t id) {
  if (!tokenizer_->has_token(id) || (skip_special_ && tokenizer_->is_special(id))) return {};
  chain_->push(tokenizer_->token_text(id));
  return chain_->take();
}

std::string StreamingDecoder::finish() {
  chain_->finish();
  return chain_->take();
}

}  // namespace trireme::runtime
