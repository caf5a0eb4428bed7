#include "runtime/generation_settings.h"

#include <cmath>

#include "runtime/files/json.h"

namespace trireme::runtime {
namespace {

// A number of the settings within its allowed range.
Result<double> in_range(const char* key, double value, double least, double most) {
  if (!(value >= least && value <= most))
    return fail(ErrorCode::kCorruptData, key, "its value " + std::to_string(value) + " is out of range",
                "set the sampling options on the command line");
  return value;
}

template <typename Number>
Status apply(const char* key, std::optional<double> value, double least, double most, Number& target) {
  if (!value) return {};
  TRIREME_ASSIGN(const double checked, in_range(key, *value, least, most));
  target = Number(checked);
  return {};
}

template <typename Lookup>
Status apply_all(const Lookup& lookup, const char* const (&keys)[5], SamplerOptions& options) {
  TRIREME_TRY(apply(keys[0], lookup(keys[0]), 0, 100, options.temperature));
  TRIREME_TRY(apply(keys[1], lookup(keys[1]), 0, 1e9, options.top_k));
  TRIREME_TRY(apply(keys[2], lookup(keys[2]), 0, 1, options.top_p));
  TRIREME_TRY(apply(keys[3], lookup(keys[3]), 0, 1, options.min_p));
  return apply(keys[4], lookup(keys[4]), 0.01, 100, options.repetition_penalty);
}

}  // namespace

Result<SamplerOptions> generation_settings(const ModelFile& file) {
  SamplerOptions options;
  options.temperature = 0;
  if (const GgufMetadata* metadata = file.gguf_metadata()) {
    static constexpr const char* kKeys[5] = {"general.sampling.temp", "general.sampling.top_k",
                                             "general.sampling.top_p", "general.sampling.min_p",
                                             "general.sampling.penalty_repeat"};
    TRIREME_TRY(apply_all([&](const char* key) { return metadata->real(key); }, kKeys, options));
    return options;
  }
  TRIREME_ASSIGN(const std::optional<std::string> text, file.companion("generation_config.json"));
  if (!text) return options;
  TRIREME_ASSIGN(const nlohmann::json config, parse_json(*text, "generation_config.json"));
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto found = config.find(key);
    return found != config.end() && found->is_number() ? std::optional(found->template get<double>()) : std::nullopt;
  };
  const auto sampled = config.find("do_sample");
  if (sampled == config.end() || !sampled->is_boolean() || !sampled->get<bool>()) return options;
  options.temperature = 1;
  static constexpr const char* kKeys[5] = {"temperature", "top_k", "top_p", "min_p", "repetition_penalty"};
  TRIREME_TRY(apply_all(number, kKeys, options));
  return options;
}

}  // namespace trireme::runtime
