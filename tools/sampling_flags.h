// The sampling options of `run` and `chat`, over what the model's generation settings say.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "runtime/files/model_file.h"
#include "runtime/sampler/sampler.h"

namespace trireme::tools {

struct SamplingFlags {
  std::optional<float> temperature;
  std::optional<int> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::optional<uint64_t> seed;
};

void add_sampling_flags(CLI::App& app, SamplingFlags& flags);

Result<runtime::SamplerOptions> sampler_options(const runtime::ModelFile& file, const SamplingFlags& flags);

}  // namespace trireme::tools
