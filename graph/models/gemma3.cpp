// Gemma 3, text: layers with a sliding window and a rope base of their own between those that attend everything, norms
// on q and k and after both halves, scaled embeddings. Source: arXiv 2503.19786.
#include <algorithm>
#include <cmath>

#include "graph/models/decoder.h"
#include "graph/models/decoder_gguf.h"
#include "graph/models/registry.h"

namespace trireme::graph {
namespace gemma3 {
namespace {

constexpr int64_t kMaxWindow = int64_t{1} << 30;
constexpr int64_t kDefaultPattern = 6;  // every sixth layer attends everything
constexpr int64_t kDefaultHeadDim = 256;
constexpr double kGlobalBase = 1e6;
constexpr double kLocalBase = 1e4;
constexpr int64_t kLayersOf27B = 62;

constexpr std::array<std::string_view, 1> kGgufArchitectures = {"gemma3"};
constexpr std::array<std::string_view, 1> kArchitectures = {"Gemma3ForCausalLM"};
constexpr std::array<std::string_view, 1> kModelTypes = {"gemma3_text"};
constexpr auto kTensorNames = with_decoder_names(std::array{
    TensorName{"blk.{}.attn_q_norm.weight", "model.layers.{}.self_attn.q_norm.weight"},
    TensorName{"blk.{}.attn_k_norm.weight", "model.layers.{}.self_attn.k_norm.weight"},
    TensorName{"blk.{}.post_attention_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
    TensorName{"blk.{}.ffn_norm.weight", "model.layers.{}.pre_feedforward_layernorm.weight"},
    TensorName{"blk.{}.post_ffw_norm.weight", "model.layers.{}.post_feedforward_layernorm.weight"},
});

void set_pattern(Hyperparameters& h, int64_t window, int64_t pattern) {
  for (int64_t layer = 0; layer < h.layers; ++layer) h.windows[size_t(layer)] = (layer + 1) % pattern == 0 ? 0 : window;
}

// The largest model divides by the width of a head's share of the stream; most files do not say so themselves.
double usual_scale(const Hyperparameters& h) {
  return 1 / std::sqrt(h.layers == kLayersOf27B ? double(h.width) / double(h.heads) : double(h.head_dim));
}

Status read_gguf(const Metadata& metadata, Hyperparameters& h) {
  const auto key = [&](std::string_view name) { return gguf_key(metadata, name); };
  h.activation = Activation::kGeluTanh;
  TRIREME_ASSIGN(h.rope, read_gguf_rope(metadata, h, kGlobalBase));
  RopeParameters local{.base = kLocalBase, .dimensions = h.rope.dimensions, .scaling = {}};
  TRIREME_ASSIGN(local.base, float_or(metadata, key("rope.freq_base_swa"), kLocalBase, 1, 1e30));
  h.local_rope = local;

  TRIREME_ASSIGN(const int64_t window, int_or(metadata, key("attention.sliding_window"), 0, 0, kMaxWindow));
  const std::string pattern_key = key("attention.sliding_window_pattern");
  if (const auto pattern = metadata.get_int_list(pattern_key)) {
    if (int64_t(pattern->size()) != h.layers)
      return fail(ErrorCode::kCorruptData, "metadata key '" + pattern_key + "'",
                  "it does not have one entry for each layer");
    for (size_t layer = 0; layer < pattern->size(); ++layer) h.windows[layer] = (*pattern)[layer] ? window : 0;
  } else {
    TRIREME_ASSIGN(const int64_t period, int_or(metadata, pattern_key, kDefaultPattern, 1, kMaxWindow));
    set_pattern(h, window, period);
  }
  TRIREME_ASSIGN(const double scale, float_or(metadata, key("attention.scale"), usual_scale(h), 1e-30, 1e30));
  h.attention_scale = float(scale);
  return {};
}

Status read_hugging_face_windows(const Metadata& metadata, Hyperparameters& h) {
  TRIREME_ASSIGN(const auto layer_windows, read_layer_types(metadata, h));
  if (layer_windows) {
    h.windows = *layer_windows;
    return {};
  }
  TRIREME_ASSIGN(const int64_t window, int_or(metadata, "sliding_window", 4096, 1, kMaxWindow));
  TRIREME_ASSIGN(const int64_t pattern, int_or(metadata, "sliding_window_pattern", kDefaultPattern, 1, kMaxWindow));
  set_pattern(h, window, pattern);
  return {};
}

Status read_hugging_face(const Metadata& metadata, Hyperparameters& h) {
  TRIREME_ASSIGN(const bool bidirectional, bool_or(metadata, "use_bidirectional_attention", false));
  if (bidirectional)
    return fail(ErrorCode::kUnsupported, "metadata key 'use_bidirectional_attention'",
                "only causal attention is built");
  if (!metadata.has("hidden_activation") && !metadata.has("hidden_act")) h.activation = Activation::kGeluTanh;
  h.norm_weight_offset = 1.0f;
  TRIREME_ASSIGN(h.rope, read_hugging_face_rope(metadata, h, kGlobalBase, "full_attention"));
  const bool divided = metadata.has("rope_parameters.sliding_attention.rope_theta") ||
                       metadata.has("rope_parameters.sliding_attention.rope_type");
  if (divided) {
    TRIREME_ASSIGN(h.local_rope, read_hugging_face_rope(metadata, h, kLocalBase, "sliding_attention"));
  } else {
    RopeParameters local{.base = kLocalBase, .dimensions = h.rope.dimensions, .scaling = {}};
    TRIREME_ASSIGN(local.base, float_or(metadata, "rope_local_base_freq", kLocalBase, 1, 1e30));
    h.local_rope = local;
  }
  TRIREME_TRY(read_hugging_face_windows(metadata, h));
  TRIREME_ASSIGN(const double query_scalar, float_or(metadata, "query_pre_attn_scalar", 256, 1e-6, 1e30));
  h.attention_scale = float(1 / std::sqrt(query_scalar));
  return {};
}

Result<Hyperparameters> read(const Metadata& metadata, const TensorTable& tensors) {
  TRIREME_ASSIGN(Hyperparameters h,
                 read_decoder(metadata, tensors, "gemma3", {.tied_embeddings = true, .head_dim = kDefaultHeadDim}));
  h.qk_norm = true;
  h.post_norms = true;
  h.embedding_scale = float(std::sqrt(double(h.width)));
  const bool gguf = metadata.source() == MetadataSource::kGguf;
  // Files may also state attn_logit_softcapping, which Gemma 2 had; this family's attention has none.
  const std::string softcap_key = gguf ? gguf_key(metadata, "final_logit_softcapping") : "final_logit_softcapping";
  TRIREME_ASSIGN(const double softcap, float_or(metadata, softcap_key, 0, 0, kHuge));
  h.logit_softcap = float(softcap);
  TRIREME_TRY(gguf ? read_gguf(metadata, h) : read_hugging_face(metadata, h));
  TRIREME_TRY(check(h));
  return h;
}

Result<GgufForm> gguf_form(const Hyperparameters& h) {
  const RopeParameters local = h.local_rope.value_or(h.rope);
  if (local.scaling.kind != RopeScalingKind::kNone || local.dimensions != h.rope.dimensions ||
      h.rope.scaling.kind == RopeScalingKind::kLlama3)
    return fail(ErrorCode::kUnsupported, "rope scaling", "GGUF files of architecture gemma3 cannot carry this kind",
                "use the model's folder as it is");
  TRIREME_ASSIGN(GgufForm form, begin_gguf_form(h, "gemma3", Activation::kGeluTanh));
  TRIREME_TRY(add_gguf_rope_scaling(form, h.rope));
  add_key(form, "rope.freq_base_swa", float(local.base));
  if (h.logit_softcap > 0) add_key(form, "final_logit_softcapping", h.logit_softcap);
  Hyperparameters usual = h;
  set_pattern(usual, *std::max_element(h.windows.begin(), h.windows.end()), kDefaultPattern);
  TRIREME_TRY(add_gguf_windows(form, h, usual.windows != h.windows));
  if (h.attention_scale != float(usual_scale(h))) add_key(form, "attention.scale", h.attention_scale);
  return form;
}

TensorTransform gguf_transform(std::string_view canonical) {
  return canonical.ends_with("_norm.weight") ? TensorTransform::kAddOne : TensorTransform::kNone;
}

}  // namespace
}  // namespace gemma3

const Family& gemma3_family() {
  using namespace gemma3;
  static const Family family = {.name = "gemma3",
                                .gguf_architectures = kGgufArchitectures,
                                .hugging_face_architectures = kArchitectures,
                                .hugging_face_model_types = kModelTypes,
                                .tensor_names = kTensorNames,
                                .read = read,
                                .build = build_decoder,
                                .gguf_form = gguf_form,
                                .gguf_transform = gguf_transform};
  return family;
}

}  // namespace trireme::graph
