#include "runtime/files/model_metadata.h"

#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

using graph::MetadataSource;
using nlohmann::json;

class GgufView final : public graph::Metadata {
 public:
  explicit GgufView(const GgufMetadata& metadata) : metadata_(metadata) {}

  MetadataSource source() const override { return MetadataSource::kGguf; }
  bool has(std::string_view key) const override { return metadata_.find(key) != nullptr; }
  std::optional<int64_t> get_int(std::string_view key) const override { return metadata_.integer(key); }
  std::optional<double> get_float(std::string_view key) const override { return metadata_.real(key); }
  std::optional<bool> get_bool(std::string_view key) const override { return metadata_.boolean(key); }
  std::optional<std::string> get_string(std::string_view key) const override { return copy(metadata_.text(key)); }
  std::optional<std::vector<std::string>> get_string_list(std::string_view key) const override {
    return copy(metadata_.texts(key));
  }
  std::optional<std::vector<int64_t>> get_int_list(std::string_view key) const override {
    const GgufValue* value = metadata_.find(key);
    if (!value) return std::nullopt;
    if (const auto* flags = std::get_if<std::vector<bool>>(value))
      return std::vector<int64_t>(flags->begin(), flags->end());
    return as_integers(*value);
  }
  std::optional<std::vector<double>> get_float_list(std::string_view key) const override {
    const GgufValue* value = metadata_.find(key);
    return value ? as_reals(*value) : std::nullopt;
  }

 private:
  template <typename T>
  static std::optional<T> copy(const T* value) {
    return value ? std::optional<T>(*value) : std::nullopt;
  }

  const GgufMetadata& metadata_;
};

std::optional<int64_t> json_integer(const json& value) {
  if (value.is_boolean() || !value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})
    return std::nullopt;
  return value.get<int64_t>();
}

class ConfigView final : public graph::Metadata {
 public:
  Status flatten(const json& object, const std::string& prefix, const std::string& name) {
    for (const auto& [key, value] : object.items()) {
      const std::string path = prefix + key;
      if (value.is_object()) {
        TRIREME_TRY(flatten(value, path + ".", name));
      } else if (!value.is_null() && !values_.emplace(path, value).second) {
        return fail(ErrorCode::kCorruptData, name, "key \"" + printable(path) + "\" occurs twice");
      }
    }
    return {};
  }

  MetadataSource source() const override { return MetadataSource::kHuggingFace; }
  bool has(std::string_view key) const override { return find(key) != nullptr; }
  std::optional<int64_t> get_int(std::string_view key) const override {
    const json* value = find(key);
    return value ? json_integer(*value) : std::nullopt;
  }
  std::optional<double> get_float(std::string_view key) const override {
    const json* value = find(key);
    return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
  }
  std::optional<bool> get_bool(std::string_view key) const override {
    const json* value = find(key);
    return value && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
  }
  std::optional<std::string> get_string(std::string_view key) const override {
    const json* value = find(key);
    return value && value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt;
  }
  std::optional<std::vector<int64_t>> get_int_list(std::string_view key) const override {
    return list<int64_t>(key, [](const json& element) {
      return element.is_boolean() ? std::optional<int64_t>(element.get<bool>()) : json_integer(element);
    });
  }
  std::optional<std::vector<double>> get_float_list(std::string_view key) const override {
    return list<double>(key, [](const json& element) {
      return element.is_number() ? std::optional(element.get<double>()) : std::nullopt;
    });
  }
  std::optional<std::vector<std::string>> get_string_list(std::string_view key) const override {
    return list<std::string>(key, [](const json& element) {
      return element.is_string() ? std::optional(element.get<std::string>()) : std::nullopt;
    });
  }

 private:
  const json* find(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }

  template <typename T, typename Read>
  std::optional<std::vector<T>> list(std::string_view key, Read read) const {
    const json* value = find(key);
    if (!value || !value->is_array()) return std::nullopt;
    std::vector<T> elements;
    for (const json& element : *value) {
      std::optional<T> one = read(element);
      if (!one) return std::nullopt;
      elements.push_back(std::move(*one));
    }
    return elements;
  }

  std::map<std::string, json, std::less<>> values_;
};

}  // namespace

std::unique_ptr<const graph::Metadata> view_gguf_metadata(const GgufMetadata& metadata) {
  return std::make_unique<GgufView>(metadata);
}

Result<std::unique_ptr<const graph::Metadata>> flatten_config(const json& config, const std::string& name) {
  if (!config.is_object()) return fail(ErrorCode::kCorruptData, name, "it is not a JSON object");
  auto view = std::make_unique<ConfigView>();
  TRIREME_TRY(view->flatten(config, "", name));
  return std::unique_ptr<const graph::Metadata>(std::move(view));
}

}  // namespace trireme::runtime
