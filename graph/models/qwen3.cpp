// Qwen3, dense: a llama-shaped decoder with norms on the heads of q and k.
#include "graph/models/decoder.h"
#include "graph/models/decoder_gguf.h"
#include "graph/models/qwen_windows.h"
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
  const bool gguf = metadata.source() == MetadataSource::kGguf;
  h.qk_norm = true;
  TRIREME_ASSIGN(h.rope, gguf ? read_gguf_rope(metadata, h, 10000) : read_hugging_face_rope(metadata, h, 10000));
  TRIREME_TRY(read_qwen_windows(metadata, h));
  TRIREME_TRY(check(h));
  return h;
}

Result<GgufForm> gguf_form(const Hyperparameters& h) {
  TRIREME_ASSIGN(GgufForm form, begin_gguf_form(h, "qwen3", Activation::kSilu));
  if (h.rope.scaling.kind == RopeScalingKind::kLlama3)
    return fail(ErrorCode::kUnsupported, "rope scaling 'llama3'", "GGUF files of architecture qwen3 cannot carry it",
                "use the model's folder as it is");
  TRIREME_TRY(add_gguf_rope_scaling(form, h.rope));
  TRIREME_TRY(add_gguf_windows(form, h, true));
  return form;
}

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
