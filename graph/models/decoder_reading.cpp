#include <fmt/format.h>

#include <cmath>

#include "graph/models/decoder.h"
#include "graph/names.h"

namespace trireme::graph {
namespace {

constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxSize = int64_t{1} << 30;

// Where each source keeps the sizes.
struct SizeKeys {
  std::string layers, width, heads, kv_heads, head_dim, ff_width, context, epsilon, vocab;
};

SizeKeys size_keys(const Metadata& metadata) {
  if (metadata.source() == MetadataSource::kHuggingFace)
    return {"num_hidden_layers",       "hidden_size",  "num_attention_heads",
            "num_key_value_heads",     "head_dim",     "intermediate_size",
            "max_position_embeddings", "rms_norm_eps", "vocab_size"};
  const auto key = [&](std::string_view name) { return gguf_key(metadata, name); };
  return {key("block_count"),
          key("embedding_length"),
          key("attention.head_count"),
          key("attention.head_count_kv"),
          key("attention.key_length"),
          key("feed_forward_length"),
          key("context_length"),
          key("attention.layer_norm_rms_epsilon"),
          key("vocab_size")};
}

Result<Activation> read_activation(const Metadata& metadata) {
  for (const std::string_view key : {"hidden_activation", "hidden_act"}) {
    if (!metadata.has(key)) continue;
    TRIREME_ASSIGN(const std::string name, string_or(metadata, key, {}));
    if (name == "silu" || name == "swish") return Activation::kSilu;
    if (name == "gelu_pytorch_tanh" || name == "gelu_new" || name == "gelu_fast") return Activation::kGeluTanh;
    if (name == "gelu") return Activation::kGeluErf;
    if (name == "relu") return Activation::kRelu;
    if (name == "relu2") return Activation::kReluSquared;
    return fail(ErrorCode::kUnsupported, fmt::format("metadata key '{}'", key), "unknown activation " + quoted(name));
  }
  return Activation::kSilu;
}

// The embedding's rows are the vocabulary; where the metadata speaks of it, both must agree.
Result<int64_t> read_vocab(const Metadata& metadata, const TensorTable& tensors, const std::string& key) {
  const std::optional<TensorDesc> table = tensors.find("token_embd.weight");
  if (!table)
    return fail(ErrorCode::kNotFound, "tensor token_embd.weight", "the model file does not have it",
                "use a complete model file");
  if (table->shape.rank() != 2)
    return fail(ErrorCode::kCorruptData, "tensor token_embd.weight",
                "its shape " + table->shape.text() + " is not a matrix");
  TRIREME_ASSIGN(const int64_t stated, int_or(metadata, key, table->shape[0], 1, kMaxSize));
  if (stated != table->shape[0])
    return fail(ErrorCode::kCorruptData, fmt::format("metadata key '{}'", key),
                fmt::format("{} entries, but token_embd.weight has {}", stated, table->shape[0]));
  return stated;
}

Result<bool> read_tied(const Metadata& metadata, const TensorTable& tensors, bool tied_by_default) {
  if (metadata.source() == MetadataSource::kGguf) return !tensors.find("output.weight").has_value();
  return bool_or(metadata, "tie_word_embeddings", tied_by_default);
}

// Kinds of sparse or recurrent models that name themselves like a dense one.
Status refuse_experts(const Metadata& metadata) {
  const std::string key =
      metadata.source() == MetadataSource::kGguf ? gguf_key(metadata, "expert_count") : "num_local_experts";
  TRIREME_ASSIGN(const int64_t experts, int_or(metadata, key, 0, 0, kMaxSize));
  if (experts > 1)
    return fail(ErrorCode::kUnsupported, fmt::format("metadata key '{}'", key), "mixtures of experts are not built yet",
                "use a dense model");
  return {};
}

}  // namespace

std::string gguf_key(const Metadata& metadata, std::string_view name) {
  return metadata.get_string("general.architecture").value_or("") + "." + std::string(name);
}

Result<Hyperparameters> read_decoder(const Metadata& metadata, const TensorTable& tensors, std::string_view family,
                                     const DecoderDefaults& defaults) {
  TRIREME_TRY(refuse_experts(metadata));
  const SizeKeys keys = size_keys(metadata);
  Hyperparameters h;
  h.family = family;
  TRIREME_ASSIGN(h.layers, require_int(metadata, keys.layers, 1, kMaxLayers));
  TRIREME_ASSIGN(h.width, require_int(metadata, keys.width, 1, kMaxSize));
  TRIREME_ASSIGN(h.heads, uniform_int(metadata, keys.heads, 1, kMaxSize));
  h.kv_heads = h.heads;
  if (metadata.has(keys.kv_heads)) {
    TRIREME_ASSIGN(h.kv_heads, uniform_int(metadata, keys.kv_heads, 1, kMaxSize));
  }
  const bool own_width = metadata.source() == MetadataSource::kHuggingFace && defaults.head_dim != 0;
  const int64_t usual_head_dim = own_width ? defaults.head_dim : h.width / h.heads;
  TRIREME_ASSIGN(h.head_dim, int_or(metadata, keys.head_dim, usual_head_dim, 1, kMaxSize));
  TRIREME_ASSIGN(h.ff_width, uniform_int(metadata, keys.ff_width, 1, kMaxSize));
  TRIREME_ASSIGN(h.context_length, require_int(metadata, keys.context, 1, kMaxSize));
  TRIREME_ASSIGN(const double epsilon, require_float(metadata, keys.epsilon, 0, 1));
  h.norm_epsilon = float(epsilon);
  TRIREME_ASSIGN(h.vocab, read_vocab(metadata, tensors, keys.vocab));
  TRIREME_ASSIGN(h.tied_embeddings, read_tied(metadata, tensors, defaults.tied_embeddings));
  TRIREME_ASSIGN(h.activation, read_activation(metadata));
  if (metadata.source() == MetadataSource::kGguf) {
    const std::string value_length = gguf_key(metadata, "attention.value_length");
    TRIREME_ASSIGN(const int64_t value_dim, int_or(metadata, value_length, h.head_dim, 1, kMaxSize));
    if (value_dim != h.head_dim)
      return fail(ErrorCode::kUnsupported, "metadata key '" + value_length + "'", "values and keys have other widths");
  }
  h.windows.assign(size_t(h.layers), 0);
  h.attention_scale = float(1.0 / std::sqrt(double(h.head_dim)));
  return h;
}

Result<std::optional<std::vector<int64_t>>> read_layer_types(const Metadata& metadata, const Hyperparameters& sizes) {
  if (!metadata.has("layer_types")) return std::nullopt;
  const auto types = metadata.get_string_list("layer_types");
  if (!types || int64_t(types->size()) != sizes.layers)
    return fail(ErrorCode::kCorruptData, "metadata key 'layer_types'", "it does not name one type for each layer");
  std::vector<int64_t> windows;
  for (const std::string& type : *types) {
    if (type != "full_attention" && type != "sliding_attention")
      return fail(ErrorCode::kUnsupported, "metadata key 'layer_types'", "unknown layer type " + quoted(type));
    int64_t window = 0;
    if (type == "sliding_attention") {
      TRIREME_ASSIGN(window, require_int(metadata, "sliding_window", 1, kMaxSize));
    }
    windows.push_back(window);
  }
  return windows;
}

Status read_gguf_windows(const Metadata& metadata, Hyperparameters& h) {
  TRIREME_ASSIGN(const int64_t window,
                 int_or(metadata, gguf_key(metadata, "attention.sliding_window"), 0, 0, kMaxSize));
  h.windows.assign(size_t(h.layers), window);
  const std::string pattern_key = gguf_key(metadata, "attention.sliding_window_pattern");
  if (!metadata.has(pattern_key)) return {};
  const auto pattern = metadata.get_int_list(pattern_key);
  if (!pattern || int64_t(pattern->size()) != h.layers)
    return fail(ErrorCode::kCorruptData, "metadata key '" + pattern_key + "'",
                "it does not have one entry for each layer");
  for (size_t layer = 0; layer < pattern->size(); ++layer) h.windows[layer] = (*pattern)[layer] ? window : 0;
  return {};
}

}  // namespace trireme::graph
