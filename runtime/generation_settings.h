// GenerationSettings: how a model's makers want it sampled.
#pragma once

#include "runtime/files/model_file.h"
#include "runtime/sampler/sampler.h"

namespace trireme::runtime {

// From generation_config.json, or from the general.sampling keys of a GGUF file. A model that says nothing is sampled
// greedily (temperature 0). Errors: kCorruptData naming the key.
Result<SamplerOptions> generation_settings(const ModelFile& file);

}  // namespace trireme::runtime
