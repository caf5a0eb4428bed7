// What Qwen2 and Qwen3 share beyond every decoder: their sliding windows, and their form in GGUF.
#pragma once

#include "graph/models/gguf_form.h"
#include "graph/models/hyperparameters.h"
#include "graph/models/metadata.h"

namespace trireme::graph {

// Reads rope and `windows` once the decoder's sizes are known, and checks the whole. Windows: none unless
// use_sliding_window; then those of layer_types, or of the layers from max_window_layers on. GGUF files have one only
// with a pattern that names its layers. Errors: kCorruptData or kNotFound naming the key.
Status finish_reading_qwen(const Metadata& metadata, Hyperparameters& hyperparameters);

// Family::gguf_form for this value of general.architecture.
Result<GgufForm> qwen_gguf_form(const Hyperparameters& hyperparameters, std::string_view architecture);

}  // namespace trireme::graph
