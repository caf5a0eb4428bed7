#include "tools/sampling_flags.h"

#include "runtime/generation_settings.h"
#include "tools/validators.h"

namespace trireme::tools {

void add_sampling_flags(CLI::App& app, SamplingFlags& flags) {
  app.add_option("--temp", flags.temperature, "Temperature; 0 always takes the likeliest token")
      ->check(between(0.0, 100.0));
  app.add_option("--top-k", flags.top_k, "Sample among the k likeliest tokens; 0: all")->check(between(0, 1 << 30));
  app.add_option("--top-p", flags.top_p, "Sample among the fewest tokens whose probabilities reach p")
      ->check(between(0.0, 1.0));
  app.add_option("--min-p", flags.min_p, "Leave out tokens below this share of the likeliest one")
      ->check(between(0.0, 1.0));
  app.add_option("--repeat-penalty", flags.repetition_penalty, "Divide the logits of tokens seen before by this")
      ->check(between(0.01, 100.0));
  app.add_option("--seed", flags.seed, "Seed of the random numbers; the same seed gives the same text")
      ->check(between(uint64_t{0}, UINT64_MAX));
}

Result<runtime::SamplerOptions> sampler_options(const runtime::ModelFile& file, const SamplingFlags& flags) {
  TRIREME_ASSIGN(runtime::SamplerOptions options, runtime::generation_settings(file));
  if (flags.temperature) options.temperature = *flags.temperature;
  if (flags.top_k) options.top_k = *flags.top_k;
  if (flags.top_p) options.top_p = *flags.top_p;
  if (flags.min_p) options.min_p = *flags.min_p;
  if (flags.repetition_penalty) options.repetition_penalty = *flags.repetition_penalty;
  if (flags.seed) options.seed = *flags.seed;
  return options;
}

}  // namespace trireme::tools
