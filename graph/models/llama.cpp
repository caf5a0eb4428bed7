// Llama and those that share its graph: SmolLM2, Mistral (with its sliding window), Llama 3 with its rope scaling.
#include "graph/models/decoder.h"
#include "graph/models/decoder_gguf.h"
#include "graph/models/registry.h"

namespace trireme::graph {
namespace llama {
namespace {

constexpr int64_t kMaxWindow = int64_t{1} << 30;

constexpr std::array<std::string_view, 1> kGgufArchitectures = {"llama"};
constexpr std::array<std::string_view, 2> kArchitectures = {"LlamaForCausalLM", "MistralForCausalLM"};
constexpr std::array<std::string_view, 2> kModelTypes = {"llama", "mistral"};
constexpr auto kTensorNames = with_decoder_names(std::array{
    TensorName{"blk.{}.ffn_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
});

Result<Hyperparameters> read(const Metadata& metadata, const TensorTable& tensors) {
  TRIREME_ASSIGN(Hyperparameters h, read_decoder(metadata, tensors, "llama"));
  const bool gguf = metadata.source() == MetadataSource::kGguf;
  // GGUF files hold the rows of q and k in the order of the first llama code, pairs side by side.
  h.rope_style = gguf ? RopeStyle::kInterleaved : RopeStyle::kHalves;
  TRIREME_ASSIGN(h.rope, gguf ? read_gguf_rope(metadata, h, 10000) : read_hugging_face_rope(metadata, h, 10000));

  if (gguf) {
    TRIREME_TRY(read_gguf_windows(metadata, h));
  } else {
    // Llama's own code has no windows, whatever its file says.
    TRIREME_ASSIGN(const std::string type, string_or(metadata, "model_type", {}));
    TRIREME_ASSIGN(const int64_t window, int_or(metadata, "sliding_window", 0, 0, kMaxWindow));
    if (type == "mistral") h.windows.assign(size_t(h.layers), window);
  }
  TRIREME_TRY(check(h));
  return h;
}

Result<GgufForm> gguf_form(const Hyperparameters& h) {
  if (h.rope.dimensions != h.head_dim)
    return fail(ErrorCode::kUnsupported, "partial rope", "GGUF files of architecture llama turn whole heads",
                "use the model's folder as it is");
  TRIREME_ASSIGN(GgufForm form, begin_gguf_form(h, "llama", Activation::kSilu));
  TRIREME_TRY(add_gguf_rope_scaling(form, h.rope));
  TRIREME_TRY(add_gguf_windows(form, h, false));
  return form;
}

TensorTransform gguf_transform(std::string_view canonical) {
  const bool turned =
      canonical.find(".attn_q.") != std::string_view::npos || canonical.find(".attn_k.") != std::string_view::npos;
  return turned ? TensorTransform::kInterleaveHeads : TensorTransform::kNone;
}

}  // namespace
}  // namespace llama

const Family& llama_family() {
  using namespace llama;
  static const Family family = {.name = "llama",
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
