// How the decoder families tell their hyperparameters in a GGUF file. What is written here, read_gguf_*() reads.
#pragma once

#include <string_view>

#include "graph/models/gguf_form.h"
#include "graph/models/hyperparameters.h"

namespace trireme::graph {

// Sizes, epsilon, softcaps and rope's base and width. `activation` is the one that readers of this architecture assume.
// Errors: kUnsupported when the model has another.
Result<GgufForm> begin_gguf_form(const Hyperparameters& hyperparameters, std::string_view architecture,
                                 Activation activation);

void add_key(GgufForm& form, std::string_view name, GgufScalar value);

// The keys of the scaling; llama3's becomes rope_factors. Errors: kUnsupported for what the keys cannot say.
Status add_gguf_rope_scaling(GgufForm& form, const RopeParameters& rope);

// The window's size, and which layers have it: always when `with_pattern`, else only where layers differ.
// Errors: kUnsupported when there are several sizes.
Status add_gguf_windows(GgufForm& form, const Hyperparameters& hyperparameters, bool with_pattern);

}  // namespace trireme::graph
