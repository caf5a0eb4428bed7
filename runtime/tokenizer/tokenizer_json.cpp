#include "runtime/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <utility>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/bpe_model.h"
#include "runtime/tokenizer/json_companions.h"
#include "runtime/tokenizer/json_document.h"
#include "runtime/tokenizer/json_reader.h"
#include "runtime/tokenizer/json_stages.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

class JsonBuilder {
 public:
  explicit JsonBuilder(JsonDocument document)
      : document_(std::move(document)), parts_(std::make_unique<TokenizerParts>()) {}

  Status build() {
    TRIREME_ASSIGN(const JsonReader root, JsonReader::open(document_.rest, "the file"));
    const auto section = [&](std::string_view name) { return root.find(name) ? *root.find(name) : json(); };
    TRIREME_TRY(read_normalizer(section("normalizer"), parts_->normalizer));
    TRIREME_TRY(read_pre_tokenizer(section("pre_tokenizer"), parts_->pre_tokenizer));
    TRIREME_TRY(read_decoder(section("decoder"), parts_->decoder));
    const json model = section("model");
    const json added = section("added_tokens");
    TRIREME_ASSIGN(const JsonReader model_reader, JsonReader::open(model, "model"));
    TRIREME_TRY(check_model(model_reader));
    TRIREME_TRY(add_vocabulary(added));
    TRIREME_TRY(add_model(model_reader));
    TRIREME_TRY(add_surroundings(section("post_processor")));
    return {};
  }

  TokenizerParts& parts() { return *parts_; }
  std::shared_ptr<const Tokenizer> finish() {
    std::vector<int32_t>& ends = parts_->end_ids;
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return std::make_shared<const Tokenizer>(std::move(parts_));
  }

 private:
  Status check_model(const JsonReader& reader) const {
    // Files from before models had types are BPE when they have merges.
    TRIREME_ASSIGN(const std::string type, reader.text("type", document_.has_merges ? "BPE" : ""));
    if (type != "BPE")
      return fail(reader.unsupported("this program does not know its type \"" + printable(type) + "\""));
    TRIREME_TRY(reader.only({"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                             "byte_fallback", "ignore_merges"}));
    const json* dropout = reader.find("dropout");
    if (dropout && *dropout != 0) return fail(reader.unsupported("a dropout other than 0 makes ids random"));
    if (!document_.has_vocab) return fail(reader.corrupt("vocab", "it is not an object of tokens and ids"));
    if (!document_.has_merges) return fail(reader.corrupt("merges", "it is not a list"));
    return {};
  }

  Status add_vocabulary(const json& added) {
    if (!added.is_null() && !added.is_array()) {
      return fail(ErrorCode::kCorruptData, "tokenizer.json: added_tokens", "it is not a list");
    }
    TRIREME_TRY(parts_->vocabulary.reserve(document_.vocab.size() + added.size()));
    for (const auto& [token, id] : document_.vocab) {
      if (auto status = parts_->vocabulary.add(id, token); !status) {
        return fail(std::move(status).error(), "reading tokenizer.json: model.vocab");
      }
    }
    for (size_t i = 0; i < added.size(); ++i) {
      if (auto status = add_added_token(added[i], "added_tokens[" + std::to_string(i) + "]"); !status) {
        return fail(std::move(status).error(), "reading tokenizer.json: added_tokens");
      }
    }
    return {};
  }

  Status add_added_token(const json& value, const std::string& path) {
    TRIREME_ASSIGN(const JsonReader reader, JsonReader::open(value, path));
    TRIREME_TRY(reader.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
    AddedToken token;
    TRIREME_ASSIGN(const int64_t id, reader.integer("id"));
    TRIREME_ASSIGN(token.content, reader.text("content"));
    TRIREME_ASSIGN(token.single_word, reader.boolean("single_word"));
    TRIREME_ASSIGN(token.lstrip, reader.boolean("lstrip"));
    TRIREME_ASSIGN(token.rstrip, reader.boolean("rstrip"));
    TRIREME_ASSIGN(token.normalized, reader.boolean("normalized"));
    TRIREME_ASSIGN(token.special, reader.boolean("special"));
    if (token.content.empty()) return {};
    const auto known = parts_->vocabulary.find(token.content);
    if (known && *known != id) {
      return fail(
          reader.corrupt("id", "it is " + std::to_string(id) + " where the vocabulary has " + std::to_string(*known)));
    }
    if (!known) TRIREME_TRY(parts_->vocabulary.add(id, token.content));
    token.id = static_cast<int32_t>(id);
    return parts_->added.add(std::move(token), parts_->normalizer);
  }

  Status add_model(const JsonReader& reader) {
    BpeOptions options;
    if (reader.find("unk_token")) {
      TRIREME_ASSIGN(std::string unknown, reader.text("unk_token"));
      parts_->unknown = parts_->vocabulary.find(unknown);
      options.unknown_token = std::move(unknown);
    }
    TRIREME_ASSIGN(options.continuing_prefix, reader.text("continuing_subword_prefix", ""));
    TRIREME_ASSIGN(options.end_suffix, reader.text("end_of_word_suffix", ""));
    TRIREME_ASSIGN(options.fuse_unknown, reader.boolean("fuse_unk", false));
    TRIREME_ASSIGN(options.byte_fallback, reader.boolean("byte_fallback", false));
    TRIREME_ASSIGN(options.ignore_merges, reader.boolean("ignore_merges", false));
    const bool splits_words = !options.ignore_merges && options.continuing_prefix.empty() && options.end_suffix.empty();
    BpeModel::MergeList merges(document_.merges.begin(), document_.merges.end());
    TRIREME_ASSIGN(parts_->model, BpeModel::create(parts_->vocabulary, merges, std::move(options)));
    if (splits_words) add_word_start_step();
    return {};
  }

  // Where no merge crosses from one word to the next, words can be tokenized one by one.
  void add_word_start_step() {
    const bool marks_words = parts_->vocabulary.find(kWordMarker).has_value();
    const bool crosses = std::any_of(document_.merges.begin(), document_.merges.end(), [](const auto& merge) {
      return crosses_words(merge.first + merge.second, kWordMarker);
    });
    if (marks_words && !crosses) parts_->pre_tokenizer.emplace_back(WordStartPreTokenizer{std::string(kWordMarker)});
  }

  Status add_surroundings(const json& post_processor) {
    TRIREME_ASSIGN(const Surroundings around, read_post_processor(post_processor));
    const auto copy = [&](const std::vector<int64_t>& from, std::vector<int32_t>& to) -> Status {
      for (const int64_t id : from) {
        if (!parts_->vocabulary.contains(id)) {
          return fail(ErrorCode::kCorruptData, "tokenizer.json: post_processor",
                      std::to_string(id) + " is not the id of a token");
        }
        to.push_back(static_cast<int32_t>(id));
      }
      return {};
    };
    TRIREME_TRY(copy(around.first, parts_->first_ids));
    return copy(around.last, parts_->last_ids);
  }

  JsonDocument document_;
  std::unique_ptr<TokenizerParts> parts_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> parse_tokenizer_json(const TokenizerFiles& files) {
  TRIREME_ASSIGN(JsonDocument document, parse_json_document(files.tokenizer));
  JsonBuilder builder(std::move(document));
  TRIREME_TRY(builder.build());
  TRIREME_TRY(read_companions(files, builder.parts()));
  return builder.finish();
}

}  // namespace trireme::runtime
