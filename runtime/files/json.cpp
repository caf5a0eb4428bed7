#include "runtime/files/json.h"

#include <set>
#include <vector>

#include "runtime/files/mapped_file.h"
#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

// Brackets that are open at once, strings apart. The parser is only started on what passes.
int nesting_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<json> parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    return fail(ErrorCode::kCorruptData, name,
                std::to_string(text.size()) + " bytes of JSON, at most " + std::to_string(limits.bytes) + " are read");
  if (nesting_depth(text) > limits.depth)
    return fail(ErrorCode::kCorruptData, name, "nested deeper than " + std::to_string(limits.depth) + " levels");

  std::vector<std::set<std::string>> open_objects;
  std::string duplicate;
  const json::parser_callback_t watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == json::parse_event_t::object_end) open_objects.pop_back();
    if (event == json::parse_event_t::key && !open_objects.back().insert(value.get<std::string>()).second)
      duplicate = value.get<std::string>();
    return true;
  };
  try {
    json value = limits.unique_keys ? json::parse(text, watch) : json::parse(text);
    if (!duplicate.empty())
      return fail(ErrorCode::kCorruptData, name, "the key \"" + printable(duplicate) + "\" occurs twice");
    return value;
  } catch (const json::exception& exception) {
    return fail(ErrorCode::kCorruptData, name, "not valid JSON: " + printable(exception.what(), 200));
  }
}

Result<json> read_json(const std::string& path, const JsonLimits& limits) {
  TRIREME_ASSIGN(const MappedFile file, MappedFile::open(path));
  return parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path, limits);
}

}  // namespace trireme::runtime
