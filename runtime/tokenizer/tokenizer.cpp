#include "runtime/tokenizer/tokenizer.h"

#include <algorithm>

#include "runtime/tokenizer/text_encoder.h"
#include "runtime/tokenizer/tokenizer_parts.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 28;

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const TokenizerParts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    return fail(ErrorCode::kInvalidArgument, "a text of " + std::to_string(text.size()) + " bytes",
                "texts of more than 256 MiB are not tokenized at once", "split the text");
  }
  TextEncoder encoder(*parts_);
  if (options.add_bos) encoder.add(parts_->first_ids);
  if (is_utf8(text)) {
    TRIREME_TRY(encoder.encode(text, options.parse_special));
  } else {
    TRIREME_TRY(encoder.encode(replace_invalid_utf8(text), options.parse_special));
  }
  if (options.add_eos) encoder.add(parts_->last_ids);
  return encoder.take();
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  DecodeChain chain(parts_->decoder);
  for (const int32_t id : ids) {
    if (!parts_->vocabulary.contains(id) || (skip_special && is_special(id))) continue;
    chain.push(token_text(id));
  }
  chain.finish();
  return chain.take();
}

int32_t Tokenizer::vocab_size() const { return parts_->vocabulary.size(); }
std::string_view Tokenizer::token_text(int32_t id) const {
  const std::string* normalized = parts_->added.normalized_content(id);
  return normalized ? std::string_view(*normalized) : parts_->vocabulary.text(id);
}
std::optional<int32_t> Tokenizer::token_id(std::string_view text) const { return parts_->vocabulary.find(text); }
bool Tokenizer::has_token(int32_t id) const { return parts_->vocabulary.contains(id); }
bool Tokenizer::is_special(int32_t id) const { return parts_->added.is_special(id); }

std::optional<int32_t> Tokenizer::bos() const { return parts_->bos; }
std::optional<int32_t> Tokenizer::eos() const { return parts_->eos; }
std::optional<int32_t> Tokenizer::pad() const { return parts_->pad; }
std::optional<int32_t> Tokenizer::unknown() const { return parts_->unknown; }
bool Tokenizer::adds_bos() const { return !parts_->first_ids.empty(); }

std::span<const int32_t> Tokenizer::end_ids() const { return parts_->end_ids; }
bool Tokenizer::is_end(int32_t id) const { return std::binary_search(end_ids().begin(), end_ids().end(), id); }

}  // namespace trireme::runtime
