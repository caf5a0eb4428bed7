#include "tests/graph/model_description.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/verifier.h"

namespace trireme::graph {
namespace {

ModelDescription::Scalar to_scalar(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  return value.get<std::string>();
}

void flatten(const std::string& prefix, const nlohmann::json& object, ModelDescription& model) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      flatten(prefix + key + ".", value, model);
    } else if (value.is_array()) {
      std::vector<ModelDescription::Scalar> list;
      for (const auto& element : value) list.push_back(to_scalar(element));
      model.set_list(prefix + key, std::move(list));
    } else if (!value.is_null()) {
      model.set(prefix + key, to_scalar(value));
    }
  }
}

std::optional<int64_t> as_int(const ModelDescription::Scalar& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return int64_t(*boolean);
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  return std::nullopt;
}

std::optional<double> as_float(const ModelDescription::Scalar& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value)) return double(*integer);
  return std::nullopt;
}

std::optional<std::string> as_string(const ModelDescription::Scalar& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? std::optional(*text) : std::nullopt;
}

template <typename Map>
const typename Map::mapped_type* lookup(const Map& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? nullptr : &found->second;
}

template <typename Element, typename Convert>
std::optional<std::vector<Element>> convert_all(const std::vector<ModelDescription::Scalar>* list, Convert convert) {
  if (!list) return std::nullopt;
  std::vector<Element> result;
  for (const auto& element : *list) {
    const std::optional<Element> converted = convert(element);
    if (!converted) return std::nullopt;
    result.push_back(*converted);
  }
  return result;
}

}  // namespace

ModelDescription ModelDescription::load(const std::string& name) {
  ModelDescription model;
  std::ifstream stream(std::string(TRIREME_TEST_DATA) + "/graph/" + name + ".json");
  const nlohmann::json root = nlohmann::json::parse(stream, nullptr, false);
  EXPECT_TRUE(root.is_object()) << name;
  if (!root.is_object()) return model;
  model.source_ = root["source"] == "gguf" ? MetadataSource::kGguf : MetadataSource::kHuggingFace;
  flatten("", root["metadata"], model);
  const auto family = find_family(model);
  EXPECT_TRUE(family) << name;
  if (!family) return model;
  for (const auto& [file_name, tensor] : root["tensors"].items()) {
    const bool gguf = model.source_ == MetadataSource::kGguf;
    const std::string canonical = gguf ? file_name : canonical_name(**family, file_name);
    EXPECT_FALSE(canonical.empty()) << file_name;
    const Format* format = find_format(tensor[0].get<std::string>());
    EXPECT_NE(format, nullptr) << tensor[0];
    const auto shape = Shape::from(tensor[1].get<std::vector<int64_t>>());
    if (shape && format) model.set_tensor(canonical, {*shape, format});
  }
  for (const auto& [tensor, values] : root["floats"].items()) model.floats_[tensor] = values.get<std::vector<float>>();
  return model;
}

std::optional<int64_t> ModelDescription::get_int(std::string_view key) const {
  const Scalar* value = lookup(values_, key);
  return value && !std::holds_alternative<bool>(*value) ? as_int(*value) : std::nullopt;
}

std::optional<double> ModelDescription::get_float(std::string_view key) const {
  const Scalar* value = lookup(values_, key);
  return value ? as_float(*value) : std::nullopt;
}

std::optional<bool> ModelDescription::get_bool(std::string_view key) const {
  const Scalar* value = lookup(values_, key);
  return value && std::holds_alternative<bool>(*value) ? std::optional(std::get<bool>(*value)) : std::nullopt;
}

std::optional<std::string> ModelDescription::get_string(std::string_view key) const {
  const Scalar* value = lookup(values_, key);
  return value ? as_string(*value) : std::nullopt;
}

std::optional<std::vector<int64_t>> ModelDescription::get_int_list(std::string_view key) const {
  return convert_all<int64_t>(lookup(lists_, key), as_int);
}

std::optional<std::vector<double>> ModelDescription::get_float_list(std::string_view key) const {
  return convert_all<double>(lookup(lists_, key), as_float);
}

std::optional<std::vector<std::string>> ModelDescription::get_string_list(std::string_view key) const {
  return convert_all<std::string>(lookup(lists_, key), as_string);
}

std::optional<TensorDesc> ModelDescription::find(std::string_view name) const {
  const TensorDesc* desc = lookup(tensors_, name);
  return desc ? std::optional(*desc) : std::nullopt;
}

Result<std::vector<float>> ModelDescription::read_floats(std::string_view name) const {
  const std::vector<float>* values = lookup(floats_, name);
  if (!values) return fail(ErrorCode::kNotFound, std::string(name), "the description has no values of it");
  return *values;
}

void ModelDescription::set_floats(const std::string& canonical, std::vector<float> values) {
  set_tensor(canonical, {Shape{int64_t(values.size())}, &formats::f32()});
  floats_[canonical] = std::move(values);
}

std::vector<std::string> ModelDescription::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : values_) keys.push_back(entry.first);
  for (const auto& entry : lists_) keys.push_back(entry.first);
  return keys;
}

void ModelDescription::erase_all(const std::string& prefix) {
  std::erase_if(values_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  std::erase_if(lists_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

Result<Graph> build_graph(const ModelDescription& model, const StepShape& step) {
  TRIREME_ASSIGN(const Family* family, find_family(model));
  TRIREME_ASSIGN(const Hyperparameters hyperparameters, family->read(model, model));
  TRIREME_ASSIGN(Graph graph, family->build(hyperparameters, model, step));
  TRIREME_TRY(verify(graph));
  return graph;
}

StepShape small_step() {
  return {.tokens = 8,
          .outputs = 2,
          .sequences = 2,
          .blocks_per_sequence = 4,
          .blocks = 8,
          .block_size = 16,
          .kv_format = &formats::f16()};
}

}  // namespace trireme::graph
