#include "runtime/prefill.h"

#include <algorithm>
#include <vector>

namespace trireme::runtime {

Result<Logits> prefill(Session& session, SequenceId sequence, std::span<const int32_t> prompt,
                       const std::function<bool(int64_t done)>& progress) {
  if (prompt.empty())
    return fail(ErrorCode::kInvalidArgument, "prompt", "it has no tokens", "give a text of at least one token");
  TRIREME_ASSIGN(const int64_t before, session.length(sequence));
  if (int64_t(prompt.size()) > session.context() - before)
    return fail(ErrorCode::kContextOverflow, "prompt",
                std::to_string(prompt.size()) + " tokens after " + std::to_string(before) +
                    " do not fit a context of " + std::to_string(session.context()),
                "use a longer --context or a shorter text");
  std::vector<StepRow> rows;
  Result<Logits> logits = Logits{};
  for (size_t done = 0; done < prompt.size();) {
    const size_t count = std::min(prompt.size() - done, size_t(session.max_rows()));
    rows.clear();
    for (size_t i = 0; i < count; ++i) rows.push_back({prompt[done + i], sequence, done + i + 1 == prompt.size()});
    logits = session.step(rows);
    done += count;
    const bool go_on = logits && (!progress || progress(int64_t(done)));
    if (logits && go_on) continue;
    if (done == prompt.size() && logits) break;
    TRIREME_TRY(session.truncate(sequence, before));
    if (!logits) return logits;
    return fail(ErrorCode::kCancelled, "prompt", "it was stopped after " + std::to_string(done) + " tokens");
  }
  return logits;
}

}  // namespace trireme::runtime
