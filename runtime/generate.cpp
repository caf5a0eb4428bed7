#include "runtime/generate.h"

#include <algorithm>
#include <chrono>

namespace trireme::runtime {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<Generation> generate(Session& session, SequenceId sequence, std::span<const int32_t> prompt, Sampler& sampler,
                            const GenerateOptions& options, const std::function<void(int32_t token)>& on_token) {
  Generation generation;
  generation.ids.reserve(size_t(std::max<int64_t>(options.max_tokens, 0)));
  auto start = std::chrono::steady_clock::now();
  const auto cancelled = [&] { return options.cancelled && options.cancelled(); };
  Result<Logits> prompted = prefill(session, sequence, prompt, [&](int64_t done) {
    if (options.prompt_progress) options.prompt_progress(done);
    return !cancelled();
  });
  if (!prompted && prompted.error().code() == ErrorCode::kCancelled) {
    generation.stop = StopReason::kCancelled;
    generation.prompt_seconds = seconds_since(start);
    return generation;
  }
  if (!prompted) return fail(std::move(prompted).error());
  Logits logits = *prompted;
  for (const int32_t token : prompt) sampler.accept(token);
  while (int64_t(generation.ids.size()) < options.max_tokens) {
    TRIREME_ASSIGN(const int32_t token, sampler.pick(logits.row(0)));
    if (generation.ids.empty()) {
      generation.prompt_seconds = seconds_since(start);
      start = std::chrono::steady_clock::now();
    }
    generation.ids.push_back(token);
    sampler.accept(token);
    if (on_token) on_token(token);
    if (std::find(options.end_ids.begin(), options.end_ids.end(), token) != options.end_ids.end()) {
      generation.stop = StopReason::kEnd;
      break;
    }
    if (options.stopped && options.stopped()) {
      generation.stop = StopReason::kStopped;
      break;
    }
    if (int64_t(generation.ids.size()) == options.max_tokens) break;
    if (cancelled()) {
      generation.stop = StopReason::kCancelled;
      break;
    }
    TRIREME_ASSIGN(const int64_t length, session.length(sequence));
    if (length == session.context()) {
      generation.stop = StopReason::kContext;
      break;
    }
    const StepRow row{token, sequence, true};
    Result<Logits> next = session.step(std::span(&row, 1));
    if (!next && next.error().code() == ErrorCode::kCancelled) {
      generation.stop = StopReason::kCancelled;
      break;
    }
    if (!next) return fail(std::move(next).error());
    logits = *next;
  }
  if (generation.ids.empty())
    generation.prompt_seconds = seconds_since(start);
  else
    generation.decode_seconds = seconds_since(start);
  return generation;
}

}  // namespace trireme::runtime
