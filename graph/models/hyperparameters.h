// Hyperparameters: the sizes and choices that, with its tensors, make a model of a family.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/models/rope.h"

namespace trireme::graph {

struct Hyperparameters {
  std::string family;  // "llama"
  int64_t layers = 0;
  int64_t width = 0;  // of the residual stream
  int64_t heads = 0;
  int64_t kv_heads = 0;  // divides heads
  int64_t head_dim = 0;
  int64_t ff_width = 0;
  int64_t vocab = 0;
  int64_t context_length = 0;  // positions that the model was made for

  float norm_epsilon = 1e-5f;
  float norm_weight_offset = 0.0f;  // 1 where the file stores norm weights minus one
  bool qk_norm = false;             // RMS norm of each head of q and k before rope
  bool post_norms = false;          // norms after attention and after the feed-forward part, before their residual adds
  bool qkv_bias = false;            // required; other biases are used where the file has them
  bool tied_embeddings = false;     // the head reads token_embd.weight

  RopeStyle rope_style = RopeStyle::kHalves;
  RopeParameters rope;
  std::optional<RopeParameters> local_rope;  // of layers with a window, when it differs
  std::vector<int64_t> windows;              // one a layer; 0: attends everything

  float embedding_scale = 1.0f;
  float attention_scale = 1.0f;
  float logit_softcap = 0.0f;  // 0: none
  Activation activation = Activation::kSilu;

  bool operator==(const Hyperparameters&) const = default;
};

// Checks every size, ratio and number against the limits that the rest of the program relies on.
// Errors: kCorruptData naming the field.
Status check(const Hyperparameters& hyperparameters);

}  // namespace trireme::graph
