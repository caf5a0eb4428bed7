#include "graph/models/hyperparameters.h"

#include <fmt/format.h>

#include <cmath>

namespace trireme::graph {
namespace {

tl::unexpected<Error> bad_shape(std::string why) {
  return fail(ErrorCode::kCorruptData, "model hyperparameters", std::move(why));
}

struct Limit {
  std::string_view name;
  int64_t value;
  int64_t maximum;
};

struct Number {
  std::string_view name;
  float value;
  float minimum;  // itself excluded
};

}  // namespace

Status check(const Hyperparameters& h) {
  const Limit limits[] = {
      {"the number of layers", h.layers, 4096},    {"the width", h.width, 1 << 20},
      {"the number of heads", h.heads, 1 << 14},   {"the number of KV heads", h.kv_heads, h.heads},
      {"the head dimension", h.head_dim, 1 << 14}, {"the feed-forward width", h.ff_width, 1 << 24},
      {"the vocabulary's size", h.vocab, 1 << 26}, {"the context length", h.context_length, int64_t{1} << 30},
  };
  for (const Limit& limit : limits)
    if (limit.value < 1 || limit.value > limit.maximum)
      return bad_shape(fmt::format("{} is {}, not between 1 and {}", limit.name, limit.value, limit.maximum));
  if (h.heads % h.kv_heads != 0)
    return bad_shape(fmt::format("{} heads are not a multiple of {} KV heads", h.heads, h.kv_heads));
  if (h.windows.size() != size_t(h.layers))
    return bad_shape(fmt::format("{} window sizes are given for {} layers", h.windows.size(), h.layers));
  for (const int64_t window : h.windows)
    if (window < 0 || window > int64_t{1} << 31) return bad_shape(fmt::format("a sliding window is {}", window));
  if (!std::isfinite(h.norm_weight_offset)) return bad_shape("the norm weight offset is not finite");
  const Number numbers[] = {{"the norm's epsilon", h.norm_epsilon, -1e-30f},
                            {"the embedding scale", h.embedding_scale, 0},
                            {"the attention scale", h.attention_scale, 0},
                            {"the logit softcap", h.logit_softcap, -1e-30f}};
  for (const Number& number : numbers)
    if (!std::isfinite(number.value) || number.value <= number.minimum)
      return bad_shape(fmt::format("{} is {}", number.name, number.value));
  for (const RopeParameters& rope : {h.rope, h.local_rope.value_or(h.rope)})
    if (rope.dimensions < 2 || rope.dimensions % 2 != 0 || rope.dimensions > h.head_dim)
      return bad_shape(fmt::format("rope turns {} of {} elements of a head", rope.dimensions, h.head_dim));
  return {};
}

}  // namespace trireme::graph
