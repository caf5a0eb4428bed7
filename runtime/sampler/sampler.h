// Sampler: picks the next token from logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hal/result.h"
#include "runtime/sampler/random.h"

namespace trireme::runtime {

// Filters apply in the order of Hugging Face's generate: repetition penalty, temperature, top-k, top-p, min-p.
struct SamplerOptions {
  float temperature = 0.0F;         // 0: greedy, the largest logit, the lowest id among equals
  int top_k = 0;                    // keeps the k largest and what equals the k-th; 0: all
  float top_p = 1.0F;               // keeps the fewest tokens whose probabilities reach it; 1: all
  float min_p = 0.0F;               // keeps what has at least this share of the largest probability; 0: all
  float repetition_penalty = 1.0F;  // divides positive logits of recent tokens, multiplies negative ones; 1: none
  int repetition_window = 64;       // how many accepted tokens count as recent; -1: all of them
  std::uint64_t seed = 0;
};

// Equal options, logits and accepted tokens give equal picks on every machine: probabilities are held as whole
// multiples of 2^-40 of the largest, so that sums do not depend on their order. What has less than that is never
// picked. Nothing is allocated after create(). Time is linear in the size of the vocabulary.
class Sampler {
 public:
  // Errors: kInvalidArgument where an option is out of its range or the vocabulary is empty or over 2^20 tokens.
  static Result<Sampler> create(const SamplerOptions& options, std::size_t vocabulary_size);

  // The next token. Errors: kInvalidArgument where there is not one logit a token, or one is infinite or not a number.
  // After an error the sampler is as before.
  Result<std::int32_t> pick(std::span<const float> logits);

  // Counts `token` as recent for the repetition penalty; ids outside the vocabulary are ignored. Prompt tokens count
  // too where the caller accepts them, as they do in Hugging Face's generate.
  void accept(std::int32_t token);

 private:
  struct Candidate {
    float score;
    std::int32_t id;
    std::uint64_t weight;  // probability in units of 2^-40 of the largest
  };

  Sampler(const SamplerOptions& options, std::size_t vocabulary_size);
  Status load(std::span<const float> logits);
  Status penalize(std::int32_t token);
  std::int32_t greedy() const;
  float top_k_threshold();
  void collect(float floor);
  void keep_top_p();
  void keep_min_p();
  std::int32_t draw();

  SamplerOptions options_;
  Random random_;
  std::vector<float> scores_;
  float largest_ = 0.0F;
  float smallest_exponent_ = 0.0F;     // below it a token's weight is zero or dropped by min-p
  std::vector<float> selection_;       // scratch of top-k
  std::vector<Candidate> candidates_;  // in the order of ids
  std::vector<Candidate> order_;       // scratch of top-p
  std::vector<std::int32_t> recent_;   // a ring, or every distinct token where the window is unlimited
  std::size_t next_recent_ = 0;
  std::vector<std::uint8_t> seen_;           // what recent_ holds where the window is unlimited
  std::vector<std::uint32_t> penalized_at_;  // the pick that last penalised each token
  std::uint32_t pick_count_ = 0;
};

}  // namespace trireme::runtime
