#include "graph/models/decoder_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace trireme::graph {
namespace {

tl::unexpected<Error> untold(std::string what, std::string why) {
  return fail(ErrorCode::kUnsupported, std::move(what), std::move(why), "use the model's folder as it is");
}

Status add_yarn(GgufForm& form, const RopeParameters& rope) {
  const RopeScaling& scaling = rope.scaling;
  if (!scaling.truncate) return untold("rope scaling", "GGUF cannot say yarn without truncation");
  add_key(form, "rope.scaling.original_context_length", uint32_t(scaling.original_context));
  add_key(form, "rope.scaling.yarn_beta_fast", float(scaling.beta_fast));
  add_key(form, "rope.scaling.yarn_beta_slow", float(scaling.beta_slow));
  TRIREME_ASSIGN(const RopeTable table, rope_table(rope));
  // Readers multiply by this what they derive from the factor.
  const double derived = 0.1 * std::log(std::max(scaling.factor, 1.0)) + 1;
  if (table.magnitude != float(derived)) add_key(form, "rope.scaling.attn_factor", float(table.magnitude / derived));
  return {};
}

Status add_llama3(GgufForm& form, const RopeParameters& rope) {
  RopeParameters plain = rope;
  plain.scaling = {};
  TRIREME_ASSIGN(const RopeTable from, rope_table(plain));
  TRIREME_ASSIGN(const RopeTable to, rope_table(rope));
  for (size_t i = 0; i < from.frequencies.size(); ++i)
    form.rope_factors.push_back(from.frequencies[i] / to.frequencies[i]);
  return {};
}

}  // namespace

void add_key(GgufForm& form, std::string_view name, GgufScalar value) {
  form.keys.push_back({fmt::format("{}.{}", form.architecture, name), std::move(value)});
}

Result<GgufForm> begin_gguf_form(const Hyperparameters& h, std::string_view architecture, Activation activation) {
  if (h.activation != activation)
    return untold("the activation", fmt::format("GGUF files of architecture {} cannot name another one", architecture));
  GgufForm form{.architecture = std::string(architecture), .keys = {}, .rope_factors = {}};
  const std::pair<std::string_view, int64_t> sizes[] = {{"block_count", h.layers},
                                                        {"context_length", h.context_length},
                                                        {"embedding_length", h.width},
                                                        {"feed_forward_length", h.ff_width},
                                                        {"attention.head_count", h.heads},
                                                        {"attention.head_count_kv", h.kv_heads},
                                                        {"attention.key_length", h.head_dim},
                                                        {"attention.value_length", h.head_dim},
                                                        {"rope.dimension_count", h.rope.dimensions},
                                                        {"vocab_size", h.vocab}};
  for (const auto& [name, value] : sizes) add_key(form, name, uint32_t(value));
  add_key(form, "attention.layer_norm_rms_epsilon", h.norm_epsilon);
  add_key(form, "rope.freq_base", float(h.rope.base));
  return form;
}

Status add_gguf_rope_scaling(GgufForm& form, const RopeParameters& rope) {
  switch (rope.scaling.kind) {
    case RopeScalingKind::kNone: return {};
    case RopeScalingKind::kLlama3: return add_llama3(form, rope);
    case RopeScalingKind::kLinear:
    case RopeScalingKind::kYarn: break;
  }
  const bool yarn = rope.scaling.kind == RopeScalingKind::kYarn;
  add_key(form, "rope.scaling.type", std::string(yarn ? "yarn" : "linear"));
  add_key(form, "rope.scaling.factor", float(rope.scaling.factor));
  return yarn ? add_yarn(form, rope) : Status();
}

Status add_gguf_windows(GgufForm& form, const Hyperparameters& h, bool with_pattern) {
  const int64_t window = *std::max_element(h.windows.begin(), h.windows.end());
  if (window == 0) return {};
  std::vector<bool> pattern;
  for (const int64_t one : h.windows) {
    if (one != 0 && one != window) return untold("sliding windows", "GGUF knows one size, and the layers have several");
    pattern.push_back(one != 0);
  }
  add_key(form, "attention.sliding_window", uint32_t(window));
  const bool uniform = std::find(pattern.begin(), pattern.end(), false) == pattern.end();
  if (with_pattern || !uniform) add_key(form, "attention.sliding_window_pattern", std::move(pattern));
  return {};
}

}  // namespace trireme::graph
