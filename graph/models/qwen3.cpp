// Qwen3, dense: a llama-shaped decoder with norms on the heads of q and k.
#include "graph/models/decoder.h"
#include "graph/models/qwen.h"
#include "graph/models/registry.h"

namespace trireme::graph {
namespace qwen3 {
namespace {

constexpr int64_t kDefaultHeadDim = 128;

constexpr std::array<std::string_view, 1> kGgufArchitectures = {"qwen3"};
constexpr std::array<std::string_view, 1> kArchitectures = {"Qwen3ForCausalLM"};
constexpr std::array<std::string_view, 1> kModelTypes = {"qwen3"};
constexpr auto kTensorNames = with_decoder_names(std::array{
    TensorName{"blk.{}.attn_q_norm.weight", "model.layers.{}.self_attn.q_norm.weight"},
    TensorName{"blk.{}.attn_k_norm.weight", "model.layers.{}.self_attn.k_norm.weight"},
    TensorName{"blk.{}.ffn_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
});

Result<Hyperparameters> read(const Metadata& metadata, const TensorTable& tensors) {
  TRIREME_ASSIGN(Hyperparameters h, read_decoder(metadata, tensors, "qwen3", {.head_dim = kDefaultHeadDim}));
  h.qk_norm = true;
  TRIREME_TRY(finish_reading_qwen(metadata, h));
  return h;
}

Result<GgufForm> gguf_form(const Hyperparameters& h) { return qwen_gguf_form(h, "qwen3"); }

}  // namespace
}  // namespace qwen3

const Family& qwen3_family() {
  using namespace qwen3;
  static const Family family = {.name = "qwen3",
                                .gguf_architectures = kGgufArchitectures,
                                .hugging_face_architectures = kArchitectures,
                                .hugging_face_model_types = kModelTypes,
                                .tensor_names = kTensorNames,
                                .read = read,
                                .build = build_decoder,
                                .gguf_form = gguf_form,
                                .gguf_transform = keep_tensor};
  return family;
}

}  // namespace trireme::graph
