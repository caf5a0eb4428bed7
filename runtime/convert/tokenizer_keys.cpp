#include "runtime/convert/tokenizer_keys.h"

#include <algorithm>
#include <unordered_map>

#include "runtime/convert/tokenizer_probes.h"
#include "runtime/files/json.h"
#include "runtime/files/printable.h"
#include "runtime/tokenizer/json_document.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "runtime/tokenizer/tokenizer_data.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {
namespace {

// Of a token that no merge makes: below every other.
constexpr float kLowestScore = -1e9f;

template <typename Wanted, typename Steps>
bool holds(const Steps& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const auto& step) { return std::holds_alternative<Wanted>(step); });
}

tl::unexpected<Error> untold(std::string why) {
  return fail(ErrorCode::kUnsupported, "tokenizer.json", std::move(why), "use the model's folder as it is");
}

class Writer {
 public:
  Writer(std::shared_ptr<const Tokenizer> tokenizer, JsonDocument document, int64_t vocab,
         std::vector<std::string>& notes)
      : tokenizer_(std::move(tokenizer)), document_(std::move(document)), vocab_(vocab), notes_(notes) {}

  Result<TokenizerData> run() {
    const TokenizerParts& parts = tokenizer_->parts();
    add_tokens();
    TRIREME_TRY(add_types());
    if (holds<ByteLevelPreTokenizer>(parts.pre_tokenizer)) {
      TRIREME_TRY(add_byte_level());
    } else if (holds<ByteFallbackDecoder>(parts.decoder)) {
      TRIREME_TRY(add_sentence_piece());
    } else {
      return untold("GGUF knows byte-level tokenizers and those with byte fallback, and this is neither");
    }
    TRIREME_TRY(add_named_ids());
    TRIREME_TRY(prove());
    return std::move(data_);
  }

 private:
  void add_tokens() {
    for (int32_t id = 0; id < vocab_; ++id) {
      const bool known = tokenizer_->has_token(id);
      data_.tokens.push_back(known ? std::string(tokenizer_->token_text(id)) : "[PAD" + std::to_string(id) + "]");
      data_.token_types.push_back(int32_t(known ? TokenType::kNormal : TokenType::kUnused));
    }
    if (tokenizer_->vocab_size() > vocab_)
      notes_.push_back("the tokens from id " + std::to_string(vocab_) +
                       " on are left out: the model has no rows for them");
  }

  // The file was parsed before; here only what GGUF can hold is taken.
  Status add_types() {
    const auto added = document_.rest.find("added_tokens");
    if (added == document_.rest.end() || !added->is_array()) return {};
    bool strips = false;
    for (const auto& token : *added) {
      if (!token.is_object()) continue;
      const auto id = token.value("id", int64_t{-1});
      if (id < 0 || id >= vocab_) continue;
      const bool special = token.value("special", false);
      data_.token_types[size_t(id)] = int32_t(special ? TokenType::kControl : TokenType::kUserDefined);
      strips =
          strips || token.value("lstrip", false) || token.value("rstrip", false) || token.value("single_word", false);
    }
    if (strips)
      notes_.push_back("GGUF cannot say that an added token takes blanks with it or stands alone; these do not");
    return {};
  }

  Status add_byte_level() {
    data_.model = "gpt2";
    const auto model = document_.rest.find("model");
    const bool ignore_merges = model != document_.rest.end() && model->is_object() &&
                               model->contains("ignore_merges") && model->at("ignore_merges") == true;
    TRIREME_ASSIGN(data_.pre, name_pre_tokenizer(tokenizer_->parts(), ignore_merges));
    if (data_.pre.empty()) return untold("GGUF has no name for the way in which it cuts texts");
    for (const auto& [left, right] : document_.merges) {
      if (left.find(' ') != std::string::npos || right.find(' ') != std::string::npos)
        return untold("a merge has a blank, and GGUF writes the two halves with one between them");
      data_.merges.push_back(left + " " + right);
    }
    return {};
  }

  Status add_sentence_piece() {
    const TokenizerParts& parts = tokenizer_->parts();
    data_.model = "llama";
    data_.pre = "default";
    std::unordered_map<std::string, float> scores;
    for (size_t rank = 0; rank < document_.merges.size(); ++rank)
      scores.emplace(document_.merges[rank].first + document_.merges[rank].second, -float(rank));
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      const auto made = scores.find(data_.tokens[id]);
      data_.scores.push_back(made == scores.end() ? kLowestScore : made->second);
      if (data_.token_types[id] == int32_t(TokenType::kNormal) && is_byte(data_.tokens[id]))
        data_.token_types[id] = int32_t(TokenType::kByte);
    }
    if (parts.unknown && *parts.unknown < vocab_)
      data_.token_types[size_t(*parts.unknown)] = int32_t(TokenType::kUnknown);
    const bool metaspace =
        std::any_of(parts.pre_tokenizer.begin(), parts.pre_tokenizer.end(), [](const PreTokenizer& step) {
          const auto* one = std::get_if<MetaspacePreTokenizer>(&step);
          return one && one->prepend != MetaspacePreTokenizer::Prepend::kNever;
        });
    data_.add_space_prefix = metaspace || holds<PrependNormalizer>(parts.normalizer);
    return {};
  }

  // "<0x0A>"
  static bool is_byte(const std::string& token) {
    return token.size() == 6 && token.starts_with("<0x") && token.back() == '>' &&
           token.find_first_not_of("0123456789ABCDEF", 3) == 5;
  }

  Status add_named_ids() {
    const TokenizerParts& parts = tokenizer_->parts();
    const auto within = [&](std::optional<int32_t> id) -> std::optional<int64_t> {
      return id && *id < vocab_ ? std::optional<int64_t>(*id) : std::nullopt;
    };
    data_.bos_token_id = within(parts.bos);
    data_.eos_token_id = within(parts.eos);
    data_.padding_token_id = within(parts.pad);
    data_.unknown_token_id = within(parts.unknown);
    data_.add_bos_token = parts.bos && parts.first_ids == std::vector<int32_t>{*parts.bos};
    data_.add_eos_token = parts.eos && parts.last_ids == std::vector<int32_t>{*parts.eos};
    if (parts.first_ids.size() != size_t(*data_.add_bos_token) || parts.last_ids.size() != size_t(*data_.add_eos_token))
      return untold("it puts other tokens around a text than one bos and one eos");
    return {};
  }

  // End tokens that the spellings do not tell take the keys for ends of turns and messages.
  Status prove() {
    TRIREME_ASSIGN(std::shared_ptr<const Tokenizer> made, make_tokenizer(data_));
    std::vector<int32_t> missing;
    for (const int32_t id : tokenizer_->end_ids()) {
      if (!made->is_end(id) && id < vocab_) missing.push_back(id);
    }
    if (!missing.empty()) data_.eot_token_id = missing[0];
    if (missing.size() > 1) data_.eom_token_id = missing[1];
    if (missing.size() > 2) notes_.push_back("GGUF has no key for more end tokens than three; the others are lost");
    TRIREME_ASSIGN(const std::optional<std::string> text, find_difference(*tokenizer_, *made));
    if (text) return untold("as GGUF keys it would give other ids to \"" + printable(*text) + "\"");
    return {};
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  JsonDocument document_;
  int64_t vocab_;
  std::vector<std::string>& notes_;
  TokenizerData data_;
};

template <typename T>
void set_if(GgufMetadata& metadata, std::string_view name, const std::optional<T>& value) {
  if (!value) return;
  const std::string key = "tokenizer.ggml." + std::string(name);
  if constexpr (std::is_same_v<T, bool>)
    metadata.set(key, *value);
  else
    metadata.set(key, uint32_t(*value));
}

void add_data(TokenizerData data, GgufMetadata& metadata) {
  metadata.set("tokenizer.ggml.model", data.model);
  metadata.set("tokenizer.ggml.pre", data.pre);
  metadata.set("tokenizer.ggml.tokens", std::move(data.tokens));
  if (!data.scores.empty()) metadata.set("tokenizer.ggml.scores", std::move(data.scores));
  metadata.set("tokenizer.ggml.token_type", std::move(data.token_types));
  if (!data.merges.empty()) metadata.set("tokenizer.ggml.merges", std::move(data.merges));
  set_if(metadata, "bos_token_id", data.bos_token_id);
  set_if(metadata, "eos_token_id", data.eos_token_id);
  set_if(metadata, "unknown_token_id", data.unknown_token_id);
  set_if(metadata, "padding_token_id", data.padding_token_id);
  set_if(metadata, "eot_token_id", data.eot_token_id);
  set_if(metadata, "eom_token_id", data.eom_token_id);
  set_if(metadata, "add_bos_token", data.add_bos_token);
  set_if(metadata, "add_eos_token", data.add_eos_token);
  set_if(metadata, "add_space_prefix", data.add_space_prefix);
}

// The chat template, from its own file or from tokenizer_config.json, where several have names and one is "default".
Result<std::string> chat_template(const ModelFile& folder) {
  TRIREME_ASSIGN(const std::optional<std::string> own_file, folder.companion("chat_template.jinja"));
  if (own_file) return *own_file;
  TRIREME_ASSIGN(const std::optional<std::string> text, folder.companion("tokenizer_config.json"));
  if (!text) return std::string();
  TRIREME_ASSIGN(const nlohmann::json config, parse_json(*text, "tokenizer_config.json", {size_t{64} << 20, 64}));
  const auto found = config.is_object() ? config.find("chat_template") : config.end();
  if (found == config.end()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return std::string();
  for (const auto& entry : *found) {
    if (entry.is_object() && entry.value("name", nlohmann::json()) == "default" && entry.contains("template") &&
        entry["template"].is_string())
      return entry["template"].get<std::string>();
  }
  return std::string();
}

}  // namespace

Status add_tokenizer_keys(const ModelFile& folder, int64_t vocab, GgufMetadata& metadata,
                          std::vector<std::string>& notes) {
  TRIREME_ASSIGN(std::shared_ptr<const Tokenizer> tokenizer, load_tokenizer(folder));
  TRIREME_ASSIGN(const std::optional<std::string> text, folder.companion("tokenizer.json"));
  if (!text) return fail(ErrorCode::kNotFound, folder.path() + "/tokenizer.json", "there is no such file");
  TRIREME_ASSIGN(JsonDocument document, parse_json_document(*text));
  TRIREME_ASSIGN(TokenizerData data, Writer(std::move(tokenizer), std::move(document), vocab, notes).run());
  add_data(std::move(data), metadata);
  TRIREME_ASSIGN(std::string source, chat_template(folder));
  if (!source.empty()) metadata.set("tokenizer.chat_template", std::move(source));
  return {};
}

}  // namespace trireme::runtime
