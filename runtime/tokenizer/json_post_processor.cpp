#include "runtime/files/printable.h"
#include "runtime/tokenizer/json_reader.h"
#include "runtime/tokenizer/json_stages.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

constexpr size_t kMaxProcessors = 64;
constexpr size_t kMaxTokensAround = 64;

// The ids of a template's special token.
Result<std::vector<int64_t>> read_template_token(const json& tokens, const std::string& name, const std::string& path) {
  TRIREME_ASSIGN(const JsonReader all, JsonReader::open(tokens, path + ".special_tokens"));
  const json* one = all.find(name);
  if (!one) return fail(all.corrupt(printable(name), "the template uses it and it is missing"));
  TRIREME_ASSIGN(const JsonReader token, JsonReader::open(*one, all.path() + "." + printable(name)));
  TRIREME_ASSIGN(const json* ids, token.array("ids"));
  std::vector<int64_t> result;
  for (const json& id : *ids) {
    if (!id.is_number_integer()) return fail(token.corrupt("ids", "one of them is not a whole number"));
    result.push_back(id.get<int64_t>());
  }
  return result;
}

Result<Surroundings> read_template(const JsonReader& reader) {
  TRIREME_TRY(reader.only({"single", "pair", "special_tokens"}));
  TRIREME_ASSIGN(const json* pieces, reader.array("single"));
  const json none = json::object();
  const json* tokens = reader.find("special_tokens");
  Surroundings result;
  int sequences = 0;
  for (const json& piece : *pieces) {
    TRIREME_ASSIGN(const JsonReader one, JsonReader::open(piece, reader.path() + ".single"));
    TRIREME_TRY(one.only({"SpecialToken", "Sequence"}));
    if (one.find("Sequence")) {
      ++sequences;
      continue;
    }
    const json* field = one.find("SpecialToken");
    if (!field) return fail(one.corrupt("SpecialToken", "it is missing"));
    TRIREME_ASSIGN(const JsonReader token, JsonReader::open(*field, one.path() + ".SpecialToken"));
    TRIREME_ASSIGN(const std::string name, token.text("id"));
    TRIREME_ASSIGN(const std::vector<int64_t> ids, read_template_token(tokens ? *tokens : none, name, reader.path()));
    auto& side = sequences == 0 ? result.first : result.last;
    side.insert(side.end(), ids.begin(), ids.end());
    if (side.size() > kMaxTokensAround) return fail(reader.unsupported("it puts more than 64 tokens around a text"));
  }
  if (sequences != 1) return fail(reader.corrupt("single", "it does not have the text exactly once"));
  return result;
}

// ["</s>", 2]
Result<int64_t> read_token_pair(const JsonReader& reader, std::string_view name) {
  TRIREME_ASSIGN(const json* pair, reader.array(name));
  if (pair->size() != 2 || !pair->at(1).is_number_integer()) {
    return fail(reader.corrupt(name, "it is not a token and its id"));
  }
  return pair->at(1).get<int64_t>();
}

Result<Surroundings> read_classifier(const JsonReader& reader) {
  TRIREME_TRY(reader.only({"sep", "cls", "trim_offsets", "add_prefix_space"}));
  TRIREME_ASSIGN(const int64_t first, read_token_pair(reader, "cls"));
  TRIREME_ASSIGN(const int64_t last, read_token_pair(reader, "sep"));
  return Surroundings{{first}, {last}};
}

Result<Surroundings> read(const json& value, const std::string& path);

Result<Surroundings> read_sequence(const JsonReader& reader) {
  TRIREME_TRY(reader.only({"processors"}));
  TRIREME_ASSIGN(const json* list, reader.array("processors"));
  if (list->size() > kMaxProcessors) return fail(reader.unsupported("there are more than 64 processors"));
  Surroundings result;
  for (size_t i = 0; i < list->size(); ++i) {
    TRIREME_ASSIGN(const Surroundings outer, read(list->at(i), reader.path() + "[" + std::to_string(i) + "]"));
    result.first.insert(result.first.begin(), outer.first.begin(), outer.first.end());
    result.last.insert(result.last.end(), outer.last.begin(), outer.last.end());
  }
  return result;
}

Result<Surroundings> read(const json& value, const std::string& path) {
  if (value.is_null()) return Surroundings{};
  TRIREME_ASSIGN(const JsonReader reader, JsonReader::open(value, path));
  TRIREME_ASSIGN(const std::string type, reader.type());
  if (type == "TemplateProcessing") return read_template(reader);
  if (type == "Sequence") return read_sequence(reader);
  if (type == "BertProcessing" || type == "RobertaProcessing") return read_classifier(reader);
  if (type == "ByteLevel") {
    TRIREME_TRY(reader.only({"add_prefix_space", "trim_offsets", "use_regex"}));
    return Surroundings{};
  }
  return fail(reader.unsupported("this program does not know its type \"" + printable(type) + "\""));
}

}  // namespace

Result<Surroundings> read_post_processor(const json& value) { return read(value, "post_processor"); }

}  // namespace trireme::runtime
