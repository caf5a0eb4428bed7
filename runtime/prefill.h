// prefill(): a prompt into a sequence.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "runtime/session.h"

namespace trireme::runtime {

// Feeds `prompt` to the sequence in steps as large as the session takes. The last row asks for its logits, which are
// returned. `progress` hears how many tokens are done. Errors: kInvalidArgument for an empty prompt; Session::step's.
// After an error the sequence is as long as it was before.
Result<Logits> prefill(Session& session, SequenceId sequence, std::span<const int32_t> prompt,
                       const std::function<bool(int64_t done)>& progress = {});

}  // namespace trireme::runtime
