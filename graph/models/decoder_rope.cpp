#include <fmt/format.h>

#include <cmath>

#include "graph/models/decoder.h"
#include "graph/names.h"

namespace trireme::graph {
namespace {

constexpr int64_t kMaxContext = int64_t{1} << 30;

tl::unexpected<Error> unknown_scaling(const std::string& key, const std::string& type) {
  return fail(ErrorCode::kUnsupported, fmt::format("metadata key '{}'", key),
              "rope scaling " + quoted(type) + " is not supported", "use a model with linear, llama3 or yarn scaling");
}

Result<std::optional<double>> optional_float(const Metadata& metadata, const std::string& key) {
  if (!metadata.has(key)) return std::nullopt;
  TRIREME_ASSIGN(const double value, require_float(metadata, key, -kHuge, kHuge));
  return value;
}

Result<RopeScalingKind> scaling_kind(const std::string& key, const std::string& type) {
  if (type.empty() || type == "default" || type == "none") return RopeScalingKind::kNone;
  if (type == "linear") return RopeScalingKind::kLinear;
  if (type == "llama3") return RopeScalingKind::kLlama3;
  if (type == "yarn") return RopeScalingKind::kYarn;
  return unknown_scaling(key, type);
}

// The part of config.json that holds the scaling, with its dot.
std::string scaling_object(const Metadata& metadata, std::string_view layer_type) {
  const std::string divided = fmt::format("rope_parameters.{}.", layer_type);
  if (!layer_type.empty() && (metadata.has(divided + "rope_theta") || metadata.has(divided + "rope_type")))
    return divided;
  for (const std::string_view field : {"rope_theta", "rope_type", "type", "factor"})
    if (metadata.has(fmt::format("rope_parameters.{}", field))) return "rope_parameters.";
  return "rope_scaling.";
}

Status read_llama3(const Metadata& metadata, const std::string& object, RopeScaling& scaling) {
  TRIREME_ASSIGN(scaling.low_frequency_factor, require_float(metadata, object + "low_freq_factor", 0, kHuge));
  TRIREME_ASSIGN(scaling.high_frequency_factor, require_float(metadata, object + "high_freq_factor", 0, kHuge));
  TRIREME_ASSIGN(scaling.original_context,
                 require_int(metadata, object + "original_max_position_embeddings", 1, kMaxContext));
  return {};
}

Status read_yarn(const Metadata& metadata, const std::string& object, int64_t context_length, RopeScaling& scaling) {
  TRIREME_ASSIGN(scaling.original_context,
                 int_or(metadata, object + "original_max_position_embeddings", context_length, 1, kMaxContext));
  const double stretch = double(context_length) / double(scaling.original_context);
  TRIREME_ASSIGN(scaling.factor, float_or(metadata, object + "factor", stretch, 0, kHuge));
  TRIREME_ASSIGN(scaling.beta_fast, float_or(metadata, object + "beta_fast", 32, 0, kHuge));
  TRIREME_ASSIGN(scaling.beta_slow, float_or(metadata, object + "beta_slow", 1, 0, kHuge));
  TRIREME_ASSIGN(scaling.truncate, bool_or(metadata, object + "truncate", true));
  TRIREME_ASSIGN(scaling.attention_factor, optional_float(metadata, object + "attention_factor"));
  TRIREME_ASSIGN(scaling.mscale, optional_float(metadata, object + "mscale"));
  TRIREME_ASSIGN(scaling.mscale_all_dim, optional_float(metadata, object + "mscale_all_dim"));
  return {};
}

}  // namespace

Result<RopeParameters> read_hugging_face_rope(const Metadata& metadata, const Hyperparameters& sizes,
                                              double default_base, std::string_view layer_type) {
  const std::string object = scaling_object(metadata, layer_type);
  RopeParameters rope;
  TRIREME_ASSIGN(rope.base, float_or(metadata, "rope_theta", default_base, 1, kHuge));
  TRIREME_ASSIGN(rope.base, float_or(metadata, object + "rope_theta", rope.base, 1, kHuge));
  TRIREME_ASSIGN(double rotated, float_or(metadata, "partial_rotary_factor", 1, 0, 1));
  TRIREME_ASSIGN(rotated, float_or(metadata, object + "partial_rotary_factor", rotated, 0, 1));
  rope.dimensions = int64_t(double(sizes.head_dim) * rotated);

  const std::string type_key = object + (metadata.has(object + "rope_type") ? "rope_type" : "type");
  TRIREME_ASSIGN(const std::string type, string_or(metadata, type_key, {}));
  RopeScaling& scaling = rope.scaling;
  TRIREME_ASSIGN(scaling.kind, scaling_kind(type_key, type));
  if (scaling.kind == RopeScalingKind::kNone) return rope;

  if (scaling.kind == RopeScalingKind::kYarn) {
    TRIREME_TRY(read_yarn(metadata, object, sizes.context_length, scaling));
    return rope;
  }
  TRIREME_ASSIGN(scaling.factor, require_float(metadata, object + "factor", 0, kHuge));
  if (scaling.kind == RopeScalingKind::kLlama3) TRIREME_TRY(read_llama3(metadata, object, scaling));
  return rope;
}

Result<RopeParameters> read_gguf_rope(const Metadata& metadata, const Hyperparameters& sizes, double default_base) {
  const auto key = [&](std::string_view name) { return gguf_key(metadata, name); };
  RopeParameters rope;
  TRIREME_ASSIGN(rope.base, float_or(metadata, key("rope.freq_base"), default_base, 1, kHuge));
  TRIREME_ASSIGN(rope.dimensions, int_or(metadata, key("rope.dimension_count"), sizes.head_dim, 2, sizes.head_dim));

  const std::string type_key = key("rope.scaling.type");
  TRIREME_ASSIGN(const std::string type, string_or(metadata, type_key, {}));
  RopeScaling& scaling = rope.scaling;
  TRIREME_ASSIGN(scaling.kind, scaling_kind(type_key, type));
  // The first files with linear scaling had only this.
  if (type.empty() && metadata.has(key("rope.scale_linear"))) {
    TRIREME_ASSIGN(scaling.factor, require_float(metadata, key("rope.scale_linear"), 0, kHuge));
    if (scaling.factor != 1) scaling.kind = RopeScalingKind::kLinear;
    return rope;
  }
  if (scaling.kind == RopeScalingKind::kNone) return rope;
  // GGUF files carry llama3's scaling as the tensor rope_freqs.weight.
  if (scaling.kind == RopeScalingKind::kLlama3) return unknown_scaling(type_key, type);

  TRIREME_ASSIGN(scaling.factor, require_float(metadata, key("rope.scaling.factor"), 0, kHuge));
  if (scaling.kind != RopeScalingKind::kYarn) return rope;
  TRIREME_ASSIGN(scaling.original_context,
                 int_or(metadata, key("rope.scaling.original_context_length"), sizes.context_length, 1, kMaxContext));
  TRIREME_ASSIGN(scaling.beta_fast, float_or(metadata, key("rope.scaling.yarn_beta_fast"), 32, 0, kHuge));
  TRIREME_ASSIGN(scaling.beta_slow, float_or(metadata, key("rope.scaling.yarn_beta_slow"), 1, 0, kHuge));
  TRIREME_ASSIGN(const double extrapolation, float_or(metadata, key("rope.scaling.yarn_ext_factor"), 1, -kHuge, kHuge));
  if (extrapolation != 1)
    return fail(ErrorCode::kUnsupported, "metadata key '" + key("rope.scaling.yarn_ext_factor") + "'", "it is not 1");
  // Here the factor multiplies what yarn derives instead of replacing it.
  TRIREME_ASSIGN(double attention, float_or(metadata, key("rope.scaling.attn_factor"), 1, 0, kHuge));
  TRIREME_ASSIGN(attention, float_or(metadata, key("rope.scaling.yarn_attn_factor"), attention, 0, kHuge));
  if (attention != 1) scaling.attention_factor = attention * (0.1 * std::log(std::max(scaling.factor, 1.0)) + 1);
  return rope;
}

}  // namespace trireme::graph
