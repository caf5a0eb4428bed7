// JsonReader: the fields of one JSON object, each of which must be known and of the right type.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "hal/result.h"

namespace trireme::runtime {

class JsonReader {
 public:
  // `path` is what errors call the object ("pre_tokenizer[1]").
  // Errors: kCorruptData when the value is no object.
  static Result<JsonReader> open(const nlohmann::json& value, std::string path);

  const std::string& path() const { return path_; }

  // Null when the field is absent or null.
  const nlohmann::json* find(std::string_view name) const;

  // Errors of these: kCorruptData when the field is of another type, or absent without a default.
  Result<bool> boolean(std::string_view name, std::optional<bool> absent = std::nullopt) const;
  Result<std::string> text(std::string_view name, std::optional<std::string> absent = std::nullopt) const;
  Result<int64_t> integer(std::string_view name, std::optional<int64_t> absent = std::nullopt) const;
  Result<const nlohmann::json*> array(std::string_view name) const;

  // What "type" says.
  Result<std::string> type() const { return text("type"); }

  // Errors: kUnsupported when the object has a field other than "type" and these, since it might change what the rest
  // means.
  Status only(std::initializer_list<std::string_view> names) const;

  Error corrupt(std::string_view name, std::string why) const;
  Error unsupported(std::string why) const;

 private:
  JsonReader(const nlohmann::json& object, std::string path) : object_(&object), path_(std::move(path)) {}

  const nlohmann::json* object_;
  std::string path_;
};

}  // namespace trireme::runtime
