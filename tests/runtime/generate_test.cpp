#include "runtime/generate.h"

#include <gtest/gtest.h>

#include "tests/support/golden_model.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing_support::GoldenModel;
using testing_support::load_golden_model;
using testing_support::open_device;

class Generate : public ::testing::Test {
 protected:
  void SetUp() override {
    auto model = Model::open(golden_.folder);
    ASSERT_TRUE(model) << model.error().message();
    const int layers = int((*model)->hyperparameters().layers);
    SessionOptions options;
    options.context = 64;
    options.max_rows = 8;
    auto session = Session::create(*model, compiler::Placement::on(open_device("cpu:0"), layers), options);
    ASSERT_TRUE(session) << session.error().message();
    session_ = std::move(*session);
    sequence_ = *session_->create_sequence();
    sampler_.emplace(*Sampler::create({}, size_t((*model)->hyperparameters().vocab)));
  }

  Result<Generation> generate(const GenerateOptions& options) {
    heard_.clear();
    return runtime::generate(*session_, sequence_, golden_.input_ids, *sampler_, options,
                             [&](int32_t token) { heard_.push_back(token); });
  }

  GoldenModel golden_ = load_golden_model("llama");
  std::unique_ptr<Session> session_;
  SequenceId sequence_ = 0;
  std::optional<Sampler> sampler_;
  std::vector<int32_t> heard_;
};

TEST_F(Generate, HearsEachTokenOfTheGreedyText) {
  const auto generation = generate({.max_tokens = 4});
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->ids, std::vector<int32_t>(golden_.greedy_ids.begin(), golden_.greedy_ids.begin() + 4));
  EXPECT_EQ(heard_, generation->ids);
  EXPECT_EQ(generation->stop, StopReason::kLimit);
}

TEST_F(Generate, StopsWhenTheCallerHasReadWhatItWanted) {
  const auto generation = generate({.max_tokens = 10, .stopped = [&] { return heard_.size() == 3; }});
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->stop, StopReason::kStopped);
  EXPECT_EQ(generation->ids.size(), 3u);
}

TEST_F(Generate, CancelledInsideThePromptChoosesNothingAndLeavesTheSequence) {
  std::vector<int64_t> progress;
  const auto generation = generate({.max_tokens = 10,
                                    .cancelled = [&] { return !progress.empty(); },
                                    .prompt_progress = [&](int64_t done) { progress.push_back(done); }});
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->stop, StopReason::kCancelled);
  EXPECT_TRUE(generation->ids.empty());
  EXPECT_EQ(progress, std::vector<int64_t>{8});
  EXPECT_EQ(*session_->length(sequence_), 0);
}

TEST_F(Generate, CancelledLaterKeepsWhatWasHeard) {
  const auto generation = generate({.max_tokens = 10, .cancelled = [&] { return heard_.size() == 2; }});
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->stop, StopReason::kCancelled);
  EXPECT_EQ(generation->ids, heard_);
  EXPECT_EQ(heard_.size(), 2u);
}

TEST_F(Generate, APromptThatDoesNotFitIsRefusedBeforeAnythingIsLost) {
  const std::vector<int32_t> prompt(65, 5);
  const auto generation = runtime::generate(*session_, sequence_, prompt, *sampler_, {});
  ASSERT_FALSE(generation);
  EXPECT_EQ(generation.error().code(), ErrorCode::kContextOverflow);
  EXPECT_EQ(*session_->length(sequence_), 0);
}

TEST_F(Generate, WarmingUpTellsHowMuchWasLoadedAndMayBeEnded) {
  std::vector<uint64_t> bytes;
  ASSERT_TRUE(session_
                  ->warm_up(1,
                            [&](uint64_t asked_for) -> Status {
                              bytes.push_back(asked_for);
                              if (bytes.size() == 3) return fail(ErrorCode::kCancelled, "loading", "enough");
                              return {};
                            })
                  .error()
                  .code() == ErrorCode::kCancelled);
  ASSERT_EQ(bytes.size(), 3u);
  EXPECT_EQ(bytes[0], 0u);
  EXPECT_LT(bytes[1], bytes[2]);
  const auto generation = generate({.max_tokens = 1});
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->ids[0], golden_.greedy_ids[0]);
}

}  // namespace
}  // namespace trireme::runtime
