#include "graph/models/metadata.h"

#include <fmt/format.h>

#include <cmath>

namespace trireme::graph {
namespace {

tl::unexpected<Error> missing(std::string_view key) {
  return fail(ErrorCode::kNotFound, fmt::format("metadata key '{}'", key), "it is missing",
              "use a file that was converted completely");
}

tl::unexpected<Error> wrong_type(std::string_view key, std::string_view type) {
  return fail(ErrorCode::kCorruptData, fmt::format("metadata key '{}'", key), fmt::format("it is not {}", type));
}

template <typename Number>
tl::unexpected<Error> out_of_range(std::string_view key, Number value, Number minimum, Number maximum) {
  return fail(ErrorCode::kCorruptData, fmt::format("metadata key '{}'", key),
              fmt::format("{} is not between {} and {}", value, minimum, maximum));
}

}  // namespace

Result<int64_t> require_int(const Metadata& metadata, std::string_view key, int64_t minimum, int64_t maximum) {
  if (!metadata.has(key)) return missing(key);
  const std::optional<int64_t> value = metadata.get_int(key);
  if (!value) return wrong_type(key, "an integer");
  if (*value < minimum || *value > maximum) return out_of_range(key, *value, minimum, maximum);
  return *value;
}

Result<int64_t> int_or(const Metadata& metadata, std::string_view key, int64_t fallback, int64_t minimum,
                       int64_t maximum) {
  return metadata.has(key) ? require_int(metadata, key, minimum, maximum) : fallback;
}

Result<int64_t> uniform_int(const Metadata& metadata, std::string_view key, int64_t minimum, int64_t maximum) {
  const auto list = metadata.get_int_list(key);
  if (!list || list->empty()) return require_int(metadata, key, minimum, maximum);
  for (const int64_t value : *list) {
    if (value < minimum || value > maximum) return out_of_range(key, value, minimum, maximum);
    if (value != list->front())
      return fail(ErrorCode::kUnsupported, fmt::format("metadata key '{}'", key), "it differs from layer to layer");
  }
  return list->front();
}

Result<double> require_float(const Metadata& metadata, std::string_view key, double minimum, double maximum) {
  if (!metadata.has(key)) return missing(key);
  const std::optional<double> value = metadata.get_float(key);
  if (!value) return wrong_type(key, "a number");
  if (!(*value >= minimum && *value <= maximum)) return out_of_range(key, *value, minimum, maximum);
  return *value;
}

Result<double> float_or(const Metadata& metadata, std::string_view key, double fallback, double minimum,
                        double maximum) {
  return metadata.has(key) ? require_float(metadata, key, minimum, maximum) : fallback;
}

Result<bool> bool_or(const Metadata& metadata, std::string_view key, bool fallback) {
  if (!metadata.has(key)) return fallback;
  const std::optional<bool> value = metadata.get_bool(key);
  if (!value) return wrong_type(key, "true or false");
  return *value;
}

Result<std::string> string_or(const Metadata& metadata, std::string_view key, std::string fallback) {
  if (!metadata.has(key)) return fallback;
  std::optional<std::string> value = metadata.get_string(key);
  if (!value) return wrong_type(key, "a string");
  return std::move(*value);
}

}  // namespace trireme::graph
