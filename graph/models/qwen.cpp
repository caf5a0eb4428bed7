#include "graph/models/qwen.h"

#include "graph/models/decoder.h"
#include "graph/models/decoder_gguf.h"

namespace trireme::graph {
namespace {

Status read_windows(const Metadata& metadata, Hyperparameters& h) {
  // A size alone says nothing: some files of these families state one that no layer uses.
  if (metadata.source() == MetadataSource::kGguf)
    return metadata.has(gguf_key(metadata, "attention.sliding_window_pattern")) ? read_gguf_windows(metadata, h)
                                                                                : Status();
  TRIREME_ASSIGN(const bool used, bool_or(metadata, "use_sliding_window", false));
  if (!used) return {};
  TRIREME_ASSIGN(const auto layer_windows, read_layer_types(metadata, h));
  if (layer_windows) {
    h.windows = *layer_windows;
    return {};
  }
  TRIREME_ASSIGN(const int64_t window, require_int(metadata, "sliding_window", 1, int64_t{1} << 30));
  TRIREME_ASSIGN(const int64_t first, int_or(metadata, "max_window_layers", 28, 0, int64_t{1} << 30));
  for (int64_t layer = first; layer < h.layers; ++layer) h.windows[size_t(layer)] = window;
  return {};
}

}  // namespace

Status finish_reading_qwen(const Metadata& metadata, Hyperparameters& h) {
  constexpr double kRopeBase = 10000;
  const bool gguf = metadata.source() == MetadataSource::kGguf;
  TRIREME_ASSIGN(h.rope,
                 gguf ? read_gguf_rope(metadata, h, kRopeBase) : read_hugging_face_rope(metadata, h, kRopeBase));
  TRIREME_TRY(read_windows(metadata, h));
  return check(h);
}

Result<GgufForm> qwen_gguf_form(const Hyperparameters& h, std::string_view architecture) {
  TRIREME_ASSIGN(GgufForm form, begin_gguf_form(h, architecture, Activation::kSilu));
  if (h.rope.scaling.kind == RopeScalingKind::kLlama3)
    return fail(ErrorCode::kUnsupported, "rope scaling 'llama3'",
                "GGUF files of architecture " + std::string(architecture) + " cannot carry it",
                "use the model's folder as it is");
  TRIREME_TRY(add_gguf_rope_scaling(form, h.rope));
  TRIREME_TRY(add_gguf_windows(form, h, true));
  return form;
}

}  // namespace trireme::graph
