// generate(): from a prompt to tokens, one after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/prefill.h"
#include "runtime/sampler/sampler.h"
#include "runtime/session.h"

namespace trireme::runtime {

enum class StopReason : uint8_t {
  kEnd,        // the model ended its turn or its text
  kStopped,    // the caller has read what it wanted
  kLimit,      // max_tokens were generated
  kContext,    // the context is full
  kCancelled,  // the caller asked to stop
};

struct GenerateOptions {
  int64_t max_tokens = 128;
  std::span<const int32_t> end_ids = {};                   // empty: nothing ends the text but the limit
  std::function<bool()> stopped = {};                      // asked after each token was heard; empty: never
  std::function<bool()> cancelled = {};                    // asked before each step; empty: never
  std::function<void(int64_t done)> prompt_progress = {};  // hears how many of the prompt's tokens are computed
};

struct Generation {
  std::vector<int32_t> ids;  // with the end token, if one came
  StopReason stop = StopReason::kLimit;
  double prompt_seconds = 0;  // until the first token was chosen
  double decode_seconds = 0;  // the other tokens
};

// Continues the sequence after `prompt`. `on_token` hears each token as it is chosen. Each chosen token but the last is
// in the sequence's cache afterwards. Cancelled inside the prompt, nothing is chosen and the sequence is as it was.
// Errors: kContextOverflow when the prompt does not fit, before anything is lost.
Result<Generation> generate(Session& session, SequenceId sequence, std::span<const int32_t> prompt, Sampler& sampler,
                            const GenerateOptions& options, const std::function<void(int32_t token)>& on_token = {});

}  // namespace trireme::runtime
