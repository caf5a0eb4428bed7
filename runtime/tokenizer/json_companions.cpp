#include "runtime/tokenizer/json_companions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/files/json.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

constexpr JsonLimits kLimits{size_t{64} << 20, 64};

Result<json> parse(const std::optional<std::string_view>& text, const std::string& name) {
  if (!text) return json::object();
  TRIREME_ASSIGN(json value, parse_json(*text, name, kLimits));
  if (!value.is_object()) return fail(ErrorCode::kCorruptData, name, "it is not an object");
  return value;
}

// A token is written "<s>" or {"content": "<s>", ...}.
std::optional<int32_t> find_token(const json& object, const char* key, const Vocabulary& vocabulary) {
  auto field = object.find(key);
  if (field == object.end()) return std::nullopt;
  if (field->is_object()) {
    const auto content = field->find("content");
    if (content == field->end() || !content->is_string()) return std::nullopt;
    return vocabulary.find(content->get_ref<const std::string&>());
  }
  return field->is_string() ? vocabulary.find(field->get_ref<const std::string&>()) : std::nullopt;
}

// An id, or a list of ids; those that no token has are left out.
std::vector<int32_t> find_ids(const json& object, const char* key, const Vocabulary& vocabulary) {
  std::vector<int32_t> result;
  const auto add = [&](const json& id) {
    if (!id.is_number_integer()) return;
    const auto number = id.get<int64_t>();
    if (vocabulary.contains(number)) result.push_back(static_cast<int32_t>(number));
  };
  const auto field = object.find(key);
  if (field == object.end()) return result;
  if (field->is_array()) {
    for (const json& id : *field) add(id);
  } else {
    add(*field);
  }
  return result;
}

std::optional<int32_t> first(const std::vector<int32_t>& ids) {
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

// The first of the files that knows the token.
std::optional<int32_t> find_named(const json& tokenizer, const json& generation, const json& config,
                                  const std::string& name, const Vocabulary& vocabulary) {
  if (const auto id = find_token(tokenizer, (name + "_token").c_str(), vocabulary)) return id;
  const std::string key = name + "_token_id";
  if (const auto id = first(find_ids(generation, key.c_str(), vocabulary))) return id;
  return first(find_ids(config, key.c_str(), vocabulary));
}

// tokenizer_config.json has the last word on the beginning-of-text token where it speaks of it.
void apply_add_bos(const json& tokenizer, TokenizerParts& parts) {
  const auto field = tokenizer.find("add_bos_token");
  if (field == tokenizer.end() || !field->is_boolean() || !parts.bos) return;
  std::vector<int32_t>& ids = parts.first_ids;
  if (field->get<bool>()) {
    if (ids.empty()) ids.push_back(*parts.bos);
  } else if (ids == std::vector<int32_t>{*parts.bos}) {
    ids.clear();
  }
}

}  // namespace

Status read_companions(const TokenizerFiles& files, TokenizerParts& parts) {
  TRIREME_ASSIGN(const json tokenizer, parse(files.tokenizer_config, "tokenizer_config.json"));
  TRIREME_ASSIGN(const json generation, parse(files.generation_config, "generation_config.json"));
  TRIREME_ASSIGN(const json config, parse(files.config, "config.json"));
  const auto named = [&](const std::string& name) {
    return find_named(tokenizer, generation, config, name, parts.vocabulary);
  };
  parts.bos = named("bos");
  parts.eos = named("eos");
  parts.pad = named("pad");
  if (!parts.unknown) parts.unknown = find_token(tokenizer, "unk_token", parts.vocabulary);
  apply_add_bos(tokenizer, parts);
  for (const json* file : {&generation, &config}) {
    const std::vector<int32_t> ids = find_ids(*file, "eos_token_id", parts.vocabulary);
    parts.end_ids.insert(parts.end_ids.end(), ids.begin(), ids.end());
  }
  if (parts.eos) parts.end_ids.push_back(*parts.eos);
  return {};
}

}  // namespace trireme::runtime
