// Decoder: what the families of llama-shaped models share. A family says how its files spell things; this builds.
#pragma once

#include <array>
#include <string_view>

#include "graph/models/family.h"

namespace trireme::graph {

// The plain graph of a pre-norm decoder with rope, grouped queries and a gated feed-forward part, as Family::build.
Result<Graph> build_decoder(const Hyperparameters& hyperparameters, const TensorTable& tensors, const StepShape& step);

// What a family's config.json means where it says nothing.
struct DecoderDefaults {
  bool tied_embeddings = false;
  int64_t head_dim = 0;  // 0: the width over the heads, which is also what GGUF files mean
};

// Keys that every such family spells alike: sizes, norm epsilon, tied embeddings, vocabulary, activation.
// Leaves rope to the family, one window of 0 for each layer, and attention_scale at 1 / sqrt(head_dim).
Result<Hyperparameters> read_decoder(const Metadata& metadata, const TensorTable& tensors, std::string_view family,
                                     const DecoderDefaults& defaults = {});

// "llama.block_count" from "block_count".
std::string gguf_key(const Metadata& metadata, std::string_view name);

// Rope as config.json spells it: `rope_parameters` (of this layer type, if it is divided by them), else `rope_theta`
// with `rope_scaling`. Errors: kUnsupported for kinds of scaling that a fixed table cannot express.
Result<RopeParameters> read_hugging_face_rope(const Metadata& metadata, const Hyperparameters& sizes,
                                              double default_base, std::string_view layer_type = {});
// Rope as GGUF spells it.
Result<RopeParameters> read_gguf_rope(const Metadata& metadata, const Hyperparameters& sizes, double default_base);

// Windows from `layer_types` and `sliding_window` of config.json; nullopt when there are no layer types.
Result<std::optional<std::vector<int64_t>>> read_layer_types(const Metadata& metadata, const Hyperparameters& sizes);

// One window for every layer, or for those that the pattern names, as GGUF spells them. Errors: kCorruptData.
Status read_gguf_windows(const Metadata& metadata, Hyperparameters& hyperparameters);

// The transform of families whose tensors are alike in folders and GGUF files.
inline TensorTransform keep_tensor(std::string_view) { return TensorTransform::kNone; }

// Tensor names that these families share.
inline constexpr std::array kDecoderTensorNames = {
    TensorName{"token_embd.weight", "model.embed_tokens.weight"},
    TensorName{"output_norm.weight", "model.norm.weight"},
    TensorName{"output.weight", "lm_head.weight"},
    TensorName{"blk.{}.attn_norm.weight", "model.layers.{}.input_layernorm.weight"},
    TensorName{"blk.{}.attn_q.weight", "model.layers.{}.self_attn.q_proj.weight"},
    TensorName{"blk.{}.attn_k.weight", "model.layers.{}.self_attn.k_proj.weight"},
    TensorName{"blk.{}.attn_v.weight", "model.layers.{}.self_attn.v_proj.weight"},
    TensorName{"blk.{}.attn_output.weight", "model.layers.{}.self_attn.o_proj.weight"},
    TensorName{"blk.{}.attn_q.bias", "model.layers.{}.self_attn.q_proj.bias"},
    TensorName{"blk.{}.attn_k.bias", "model.layers.{}.self_attn.k_proj.bias"},
    TensorName{"blk.{}.attn_v.bias", "model.layers.{}.self_attn.v_proj.bias"},
    TensorName{"blk.{}.attn_output.bias", "model.layers.{}.self_attn.o_proj.bias"},
    TensorName{"blk.{}.ffn_gate.weight", "model.layers.{}.mlp.gate_proj.weight"},
    TensorName{"blk.{}.ffn_up.weight", "model.layers.{}.mlp.up_proj.weight"},
    TensorName{"blk.{}.ffn_down.weight", "model.layers.{}.mlp.down_proj.weight"},
    TensorName{"blk.{}.ffn_gate.bias", "model.layers.{}.mlp.gate_proj.bias"},
    TensorName{"blk.{}.ffn_up.bias", "model.layers.{}.mlp.up_proj.bias"},
    TensorName{"blk.{}.ffn_down.bias", "model.layers.{}.mlp.down_proj.bias"},
};

// The shared names followed by a family's own.
template <size_t Own>
constexpr std::array<TensorName, kDecoderTensorNames.size() + Own> with_decoder_names(
    const std::array<TensorName, Own>& own) {
  std::array<TensorName, kDecoderTensorNames.size() + Own> names{};
  for (size_t i = 0; i < kDecoderTensorNames.size(); ++i) names[i] = kDecoderTensorNames[i];
  for (size_t i = 0; i < Own; ++i) names[kDecoderTensorNames.size() + i] = own[i];
  return names;
}

}  // namespace trireme::graph
