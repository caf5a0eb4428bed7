#include "runtime/tokenizer/tokenizer_data.h"

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/bpe_model.h"
#include "runtime/tokenizer/pre_tokenizer_names.h"
#include "runtime/tokenizer/score_model.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {
namespace {

// How published models spell the ends of texts, turns and messages. GGUF metadata name at most three of them.
constexpr std::array<std::string_view, 16> kEndSpellings = {
    "<|endoftext|>",      "<|end_of_text|>",       "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|return|>",
    "<|call|>",           "<end_of_turn>",         "<turn|>",    "<|eot|>",    "<|eom|>",    "<EOT>",   "_<EOT>",
    "<end_of_utterance>", "<｜end▁of▁sentence｜>",
};

class DataBuilder {
 public:
  explicit DataBuilder(TokenizerData data) : data_(std::move(data)), parts_(std::make_unique<TokenizerParts>()) {}

  Result<std::shared_ptr<const Tokenizer>> build() {
    if (data_.model != "gpt2" && data_.model != "llama") {
      return fail(ErrorCode::kUnsupported, "tokenizer.ggml.model \"" + printable(data_.model) + "\"",
                  "this program knows gpt2 and llama");
    }
    TRIREME_TRY(check_sizes());
    TRIREME_TRY(add_tokens());
    bool adds_bos = true;
    if (data_.model == "gpt2") {
      TRIREME_ASSIGN(adds_bos, add_byte_level_stages());
    } else {
      TRIREME_TRY(add_sentence_piece_stages());
    }
    TRIREME_TRY(add_named_ids(data_.add_bos_token.value_or(adds_bos)));
    return std::make_shared<const Tokenizer>(std::move(parts_));
  }

 private:
  TokenType type(size_t id) const {
    return data_.token_types.empty() ? TokenType::kNormal : static_cast<TokenType>(data_.token_types[id]);
  }

  Status check_sizes() const {
    const size_t count = data_.tokens.size();
    const auto expect = [&](size_t size, std::string_view key) -> Status {
      if (size == count) return {};
      return fail(ErrorCode::kCorruptData, "tokenizer.ggml." + std::string(key),
                  "it has " + std::to_string(size) + " entries for " + std::to_string(count) + " tokens");
    };
    if (count == 0) return fail(ErrorCode::kCorruptData, "tokenizer.ggml.tokens", "it is missing or empty");
    if (!data_.token_types.empty()) TRIREME_TRY(expect(data_.token_types.size(), "token_type"));
    if (data_.model == "llama") TRIREME_TRY(expect(data_.scores.size(), "scores"));
    for (size_t id = 0; id < data_.token_types.size(); ++id) {
      if (data_.token_types[id] < 0 || data_.token_types[id] > static_cast<int32_t>(TokenType::kByte)) {
        return fail(ErrorCode::kCorruptData, "tokenizer.ggml.token_type",
                    "token " + std::to_string(id) + " has type " + std::to_string(data_.token_types[id]));
      }
    }
    return {};
  }

  Status add_tokens() {
    std::vector<Normalizer> markers;
    markers.emplace_back(blanks_to_markers());
    TRIREME_TRY(parts_->vocabulary.reserve(data_.tokens.size()));
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      TRIREME_TRY(parts_->vocabulary.add(static_cast<int64_t>(id), data_.tokens[id]));
      const bool special = type(id) == TokenType::kControl || type(id) == TokenType::kUnknown;
      if (data_.tokens[id].empty() || !(special || type(id) == TokenType::kUserDefined)) continue;
      AddedToken token;
      token.id = static_cast<int32_t>(id);
      token.content = data_.tokens[id];
      token.special = special;
      TRIREME_TRY(parts_->added.add(token, {}));
      // The files spell runs of blanks with blanks; the model itself knows them by its own spelling as well.
      if (data_.model == "llama" && token.content.find(' ') != std::string::npos) {
        TRIREME_TRY(normalize(markers, token.content));
        TRIREME_TRY(parts_->added.add(std::move(token), {}));
      }
    }
    return {};
  }

  static ReplaceNormalizer blanks_to_markers() { return ReplaceNormalizer{" ", std::string(kWordMarker)}; }

  // Returns whether a beginning-of-text token is the default.
  Result<bool> add_byte_level_stages() {
    TRIREME_ASSIGN(NamedPreTokenizer named, find_pre_tokenizer(data_.pre));
    BpeModel::MergeList merges;
    merges.reserve(data_.merges.size());
    for (const std::string& merge : data_.merges) {
      const size_t blank = merge.find(' ', 1);
      if (blank == std::string::npos || blank + 1 == merge.size()) {
        return fail(ErrorCode::kCorruptData, "tokenizer.ggml.merges", "\"" + printable(merge) + "\" is not two tokens");
      }
      merges.emplace_back(std::string_view(merge).substr(0, blank), std::string_view(merge).substr(blank + 1));
    }
    BpeOptions options;
    options.ignore_merges = named.ignore_merges;
    TRIREME_ASSIGN(parts_->model, BpeModel::create(parts_->vocabulary, merges, std::move(options)));
    parts_->normalizer = std::move(named.normalizer);
    parts_->pre_tokenizer = std::move(named.steps);
    parts_->decoder.emplace_back(ByteLevelDecoder{});
    return named.add_bos;
  }

  Status add_sentence_piece_stages() {
    std::vector<bool> mergeable(data_.tokens.size());
    bool crosses = !parts_->vocabulary.find(kWordMarker);
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      const TokenType one = type(id);
      mergeable[id] = one == TokenType::kNormal || one == TokenType::kUserDefined || one == TokenType::kUnused;
      crosses = crosses || (mergeable[id] && crosses_words(data_.tokens[id], kWordMarker));
    }
    std::optional<int32_t> unknown;
    TRIREME_TRY(set_id(unknown, data_.unknown_token_id, "unknown_token_id"));
    TRIREME_ASSIGN(parts_->model, ScoreModel::create(parts_->vocabulary, data_.scores, mergeable, unknown));
    const bool prefix = data_.add_space_prefix.value_or(true);
    if (prefix) parts_->normalizer.emplace_back(PrependNormalizer{std::string(kWordMarker)});
    parts_->normalizer.emplace_back(blanks_to_markers());
    if (!crosses) parts_->pre_tokenizer.emplace_back(WordStartPreTokenizer{std::string(kWordMarker)});
    parts_->decoder = {ReplaceDecoder{std::string(kWordMarker), " "}, ByteFallbackDecoder{}, FuseDecoder{}};
    if (prefix) parts_->decoder.emplace_back(StripDecoder{" ", 1, 0});
    return {};
  }

  Status set_id(std::optional<int32_t>& target, const std::optional<int64_t>& id, std::string_view key) const {
    // Writers say "none" by leaving the key out, or by the largest 32-bit number.
    if (!id || *id == -1 || *id == std::numeric_limits<uint32_t>::max()) return {};
    if (!parts_->vocabulary.contains(*id)) {
      return fail(ErrorCode::kCorruptData, "tokenizer.ggml." + std::string(key),
                  std::to_string(*id) + " is not the id of a token");
    }
    target = static_cast<int32_t>(*id);
    return {};
  }

  Status add_named_ids(bool adds_bos) {
    std::optional<int32_t> turn;
    std::optional<int32_t> message;
    TRIREME_TRY(set_id(parts_->bos, data_.bos_token_id, "bos_token_id"));
    TRIREME_TRY(set_id(parts_->eos, data_.eos_token_id, "eos_token_id"));
    TRIREME_TRY(set_id(parts_->pad, data_.padding_token_id, "padding_token_id"));
    TRIREME_TRY(set_id(parts_->unknown, data_.unknown_token_id, "unknown_token_id"));
    TRIREME_TRY(set_id(turn, data_.eot_token_id, "eot_token_id"));
    TRIREME_TRY(set_id(message, data_.eom_token_id, "eom_token_id"));
    if (adds_bos && parts_->bos) parts_->first_ids.push_back(*parts_->bos);
    if (data_.add_eos_token.value_or(false) && parts_->eos) parts_->last_ids.push_back(*parts_->eos);

    std::vector<int32_t>& ends = parts_->end_ids;
    for (const auto& id : {parts_->eos, turn, message}) {
      if (id) ends.push_back(*id);
    }
    // Where a message is ended by one of these, <|end|> only separates its parts.
    const bool has_harmony = parts_->vocabulary.find("<|return|>") && parts_->vocabulary.find("<|call|>");
    for (const std::string_view spelling : kEndSpellings) {
      const auto id = parts_->vocabulary.find(spelling);
      if (!id || (spelling == "<|end|>" && has_harmony)) continue;
      const TokenType one = type(static_cast<size_t>(*id));
      if (one == TokenType::kControl || one == TokenType::kUserDefined) ends.push_back(*id);
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return {};
  }

  TokenizerData data_;
  std::unique_ptr<TokenizerParts> parts_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_tokenizer(TokenizerData data) {
  return DataBuilder(std::move(data)).build();
}

}  // namespace trireme::runtime
