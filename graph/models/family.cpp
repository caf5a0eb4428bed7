#include "graph/models/family.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "graph/models/registry.h"
#include "graph/names.h"

namespace trireme::graph {
namespace {

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

tl::unexpected<Error> unknown(std::string_view key, std::string_view name,
                              std::span<const std::string_view> (*known)(const Family&)) {
  std::string list;
  for (const Family* family : families())
    for (const std::string_view other : known(*family)) list += fmt::format("{}{}", list.empty() ? "" : ", ", other);
  return fail(ErrorCode::kUnsupported, "architecture " + quoted(name.substr(0, 100)),
              fmt::format("no family of models has this {}", key), "the known ones are: " + list);
}

Result<std::string> required_string(const Metadata& metadata, std::string_view key) {
  if (!metadata.has(key))
    return fail(ErrorCode::kNotFound, fmt::format("metadata key '{}'", key), "it is missing",
                "use a model file that says what it is");
  return string_or(metadata, key, {});
}

using NameOf = std::string_view TensorName::*;

// Translates `name`, where "{}" in a pattern stands for a decimal number without leading zeros.
std::string translate(const Family& family, std::string_view name, NameOf from, NameOf to) {
  for (const TensorName& entry : family.tensor_names) {
    const std::string_view pattern = entry.*from;
    const size_t hole = pattern.find("{}");
    if (hole == std::string_view::npos) {
      if (pattern == name) return std::string(entry.*to);
      continue;
    }
    const std::string_view before = pattern.substr(0, hole);
    const std::string_view after = pattern.substr(hole + 2);
    if (!name.starts_with(before) || !name.ends_with(after) || name.size() <= before.size() + after.size()) continue;
    const std::string_view number = name.substr(before.size(), name.size() - before.size() - after.size());
    if (number.find_first_not_of("0123456789") != std::string_view::npos || (number.size() > 1 && number[0] == '0'))
      continue;
    const std::string_view target = entry.*to;
    const size_t target_hole = target.find("{}");
    return fmt::format("{}{}{}", target.substr(0, target_hole), number, target.substr(target_hole + 2));
  }
  return {};
}

}  // namespace

std::span<const Family* const> families() {
  static const std::array<const Family*, 4> all = {&llama_family(), &qwen2_family(), &qwen3_family(), &gemma3_family()};
  return all;
}

Result<const Family*> find_family(const Metadata& metadata) {
  if (metadata.source() == MetadataSource::kGguf) {
    TRIREME_ASSIGN(const std::string name, required_string(metadata, "general.architecture"));
    for (const Family* family : families())
      if (contains(family->gguf_architectures, name)) return family;
    return unknown("general.architecture", name, [](const Family& family) { return family.gguf_architectures; });
  }
  if (const auto names = metadata.get_string_list("architectures"); names && !names->empty()) {
    for (const Family* family : families())
      if (contains(family->hugging_face_architectures, names->front())) return family;
    return unknown("architecture", names->front(),
                   [](const Family& family) { return family.hugging_face_architectures; });
  }
  TRIREME_ASSIGN(const std::string type, required_string(metadata, "model_type"));
  for (const Family* family : families())
    if (contains(family->hugging_face_model_types, type)) return family;
  return unknown("model_type", type, [](const Family& family) { return family.hugging_face_model_types; });
}

std::string hugging_face_name(const Family& family, std::string_view canonical) {
  return translate(family, canonical, &TensorName::canonical, &TensorName::hugging_face);
}

std::string canonical_name(const Family& family, std::string_view hugging_face) {
  return translate(family, hugging_face, &TensorName::hugging_face, &TensorName::canonical);
}

}  // namespace trireme::graph
