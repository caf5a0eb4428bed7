#include "runtime/tokenizer/json_reader.h"

#include <algorithm>

#include "runtime/files/printable.h"

namespace trireme::runtime {

using nlohmann::json;

Result<JsonReader> JsonReader::open(const json& value, std::string path) {
  if (!value.is_object()) {
    return fail(ErrorCode::kCorruptData, "tokenizer.json: " + path, "it is not an object");
  }
  return JsonReader(value, std::move(path));
}

const json* JsonReader::find(std::string_view name) const {
  const auto field = object_->find(name);
  return field == object_->end() || field->is_null() ? nullptr : &*field;
}

Error JsonReader::corrupt(std::string_view name, std::string why) const {
  return Error(ErrorCode::kCorruptData, "tokenizer.json: " + path_ + "." + std::string(name), std::move(why));
}

Error JsonReader::unsupported(std::string why) const {
  return Error(ErrorCode::kUnsupported, "tokenizer.json: " + path_, std::move(why));
}

Result<bool> JsonReader::boolean(std::string_view name, std::optional<bool> absent) const {
  const json* field = find(name);
  if (!field && absent) return *absent;
  if (!field || !field->is_boolean()) return fail(corrupt(name, "it is not true or false"));
  return field->get<bool>();
}

Result<std::string> JsonReader::text(std::string_view name, std::optional<std::string> absent) const {
  const json* field = find(name);
  if (!field && absent) return std::move(*absent);
  if (!field || !field->is_string()) return fail(corrupt(name, "it is not a string"));
  return field->get<std::string>();
}

Result<int64_t> JsonReader::integer(std::string_view name, std::optional<int64_t> absent) const {
  const json* field = find(name);
  if (!field && absent) return *absent;
  const bool fits = field && field->is_number_integer() &&
                    (!field->is_number_unsigned() || field->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  if (!fits) return fail(corrupt(name, "it is not a whole number"));
  return field->get<int64_t>();
}

Result<const json*> JsonReader::array(std::string_view name) const {
  const json* field = find(name);
  if (!field || !field->is_array()) return fail(corrupt(name, "it is not a list"));
  return field;
}

Status JsonReader::only(std::initializer_list<std::string_view> names) const {
  for (const auto& [name, value] : object_->items()) {
    if (name == "type" || std::find(names.begin(), names.end(), name) != names.end()) continue;
    return fail(unsupported("this program does not know its field \"" + printable(name) + "\""));
  }
  return {};
}

}  // namespace trireme::runtime
