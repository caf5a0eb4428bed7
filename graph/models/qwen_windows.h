// Sliding windows as the config.json files of Qwen2 and Qwen3 spell them.
#pragma once

#include "graph/models/hyperparameters.h"
#include "graph/models/metadata.h"

namespace trireme::graph {

// Sets `windows`: none unless use_sliding_window; then those of layer_types, or of the layers from max_window_layers
// on. GGUF files have one only with a pattern that names its layers. Errors: kCorruptData or kNotFound naming the key.
Status read_qwen_windows(const Metadata& metadata, Hyperparameters& hyperparameters);

}  // namespace trireme::graph
