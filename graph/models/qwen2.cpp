// Qwen2 and Qwen2.5: a llama-shaped decoder with biases on q, k and v.
#include "graph/models/decoder.h"
#include "graph/models/qwen.h"
#include "graph/models/registry.h"

namespace trireme::graph {
namespace qwen2 {
namespace {

constexpr std::array<std::string_view, 1> kGgufArchitectures = {"qwen2"};
constexpr std::array<std::string_view, 1> kArchitectures = {"Qwen2ForCausalLM"};
constexpr std::array<std::string_view, 1> kModelTypes = {"qwen2"};
constexpr auto kTensorNames = with_decoder_names(std::array{
    TensorName{"blk.{}.ffn_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
});

Result<Hyperparameters> read(const Metadata& metadata, const TensorTable& tensors) {
  TRIREME_ASSIGN(Hyperparameters h, read_decoder(metadata, tensors, "qwen2"));
  h.qkv_bias = true;
  TRIREME_TRY(finish_reading_qwen(metadata, h));
  return h;
}

Result<GgufForm> gguf_form(const Hyperparameters& h) { return qwen_gguf_form(h, "qwen2"); }

}  // namespace
}  // namespace qwen2

const Family& qwen2_family() {
  using namespace qwen2;
  static const Family family = {.name = "qwen2",
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
