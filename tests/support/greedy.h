// What a model makes of a prompt on some devices.
#pragma once

#include "runtime/session.h"
#include "tests/support/recorded_model.h"

namespace trireme::testing_support {

// Fails the test when it cannot be opened.
std::shared_ptr<const runtime::Model> open_model(const std::string& path);

// A context of 128 tokens in steps of at most 32 rows.
runtime::SessionOptions small_session();

// `count` ids that the model itself finds most likely after `ids`, which are given to it in steps of up to `chunk`
// rows.
Result<std::vector<int32_t>> greedy(runtime::Session& session, std::span<const int32_t> ids, size_t count,
                                    size_t chunk);

// In a session of its own, in steps of up to 8 rows.
Result<std::vector<int32_t>> greedy_on(const std::shared_ptr<const runtime::Model>& model,
                                       compiler::Placement placement, std::span<const int32_t> ids, size_t count);

// The first `count` greedy ids of a recorded prompt, each after those before it, are the recorded ones wherever the
// margin is above what int8 activations may turn.
void expect_recorded_ids(const std::shared_ptr<const runtime::Model>& model, compiler::Placement placement,
                         const RecordedPrompt& prompt, size_t count);

}  // namespace trireme::testing_support
