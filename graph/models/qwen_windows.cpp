#include "graph/models/qwen_windows.h"

#include "graph/models/decoder.h"

namespace trireme::graph {

Status read_qwen_windows(const Metadata& metadata, Hyperparameters& h) {
  // A size alone says nothing: some files of these families state one that no layer uses.
  if (metadata.source() == MetadataSource::kGguf)
    return metadata.has(gguf_key(metadata, "attention.sliding_window_pattern")) ? read_gguf_windows(metadata, h) : Status();
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

}  // namespace trireme::graph
