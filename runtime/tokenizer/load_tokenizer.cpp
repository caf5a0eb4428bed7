#include "runtime/tokenizer/load_tokenizer.h"

#include <string>
#include <utility>

#include "runtime/tokenizer/tokenizer_data.h"
#include "runtime/tokenizer/tokenizer_json.h"

namespace trireme::runtime {
namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";

std::string key(std::string_view name) { return std::string(kPrefix) + std::string(name); }

Status wrong_type(std::string_view name) {
  return fail(ErrorCode::kCorruptData, key(name), "its value is of another type than this key has");
}

// Reads a value where the key is there; `convert` gives an optional or a pointer.
template <typename T, typename Convert>
Status read(const GgufMetadata& metadata, std::string_view name, T& target, Convert convert) {
  const GgufValue* value = metadata.find(key(name));
  if (!value) return {};
  auto converted = convert(*value);
  if (!converted) return wrong_type(name);
  target = *converted;
  return {};
}

Result<TokenizerData> read_tokenizer_data(const GgufMetadata& metadata) {
  TokenizerData data;
  std::vector<int64_t> types;
  std::vector<double> scores;
  TRIREME_TRY(read(metadata, "model", data.model, as_text));
  TRIREME_TRY(read(metadata, "pre", data.pre, as_text));
  TRIREME_TRY(read(metadata, "tokens", data.tokens, as_texts));
  TRIREME_TRY(read(metadata, "merges", data.merges, as_texts));
  TRIREME_TRY(read(metadata, "scores", scores, as_reals));
  TRIREME_TRY(read(metadata, "token_type", types, as_integers));
  for (const double score : scores) data.scores.push_back(static_cast<float>(score));
  for (const int64_t type : types) {
    data.token_types.push_back(type < 0 || type > INT32_MAX ? -1 : static_cast<int32_t>(type));
  }
  TRIREME_TRY(read(metadata, "bos_token_id", data.bos_token_id, as_integer));
  TRIREME_TRY(read(metadata, "eos_token_id", data.eos_token_id, as_integer));
  TRIREME_TRY(read(metadata, "unknown_token_id", data.unknown_token_id, as_integer));
  TRIREME_TRY(read(metadata, "padding_token_id", data.padding_token_id, as_integer));
  TRIREME_TRY(read(metadata, "eot_token_id", data.eot_token_id, as_integer));
  TRIREME_TRY(read(metadata, "eom_token_id", data.eom_token_id, as_integer));
  TRIREME_TRY(read(metadata, "add_bos_token", data.add_bos_token, as_bool));
  TRIREME_TRY(read(metadata, "add_eos_token", data.add_eos_token, as_bool));
  TRIREME_TRY(read(metadata, "add_space_prefix", data.add_space_prefix, as_bool));
  return data;
}

Result<std::shared_ptr<const Tokenizer>> load_from_folder(const ModelFile& file) {
  TRIREME_ASSIGN(const std::optional<std::string> tokenizer, file.companion("tokenizer.json"));
  if (!tokenizer) {
    return fail(ErrorCode::kNotFound, file.path() + "/tokenizer.json", "there is no such file",
                "convert the model's tokenizer to it with the tokenizers library");
  }
  TRIREME_ASSIGN(const std::optional<std::string> tokenizer_config, file.companion("tokenizer_config.json"));
  TRIREME_ASSIGN(const std::optional<std::string> generation_config, file.companion("generation_config.json"));
  TRIREME_ASSIGN(const std::optional<std::string> config, file.companion("config.json"));
  return parse_tokenizer_json({*tokenizer, tokenizer_config, generation_config, config});
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const GgufMetadata& metadata) {
  if (!metadata.find(key("model"))) {
    return fail(ErrorCode::kNotFound, key("model"), "the file has no tokenizer",
                "use a file that was converted with one");
  }
  TRIREME_ASSIGN(TokenizerData data, read_tokenizer_data(metadata));
  return make_tokenizer(std::move(data));
}

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const ModelFile& file) {
  auto tokenizer = file.gguf_metadata() ? load_tokenizer(*file.gguf_metadata()) : load_from_folder(file);
  if (!tokenizer) return fail(std::move(tokenizer).error(), "loading the tokenizer of " + file.path());
  return tokenizer;
}

}  // namespace trireme::runtime
