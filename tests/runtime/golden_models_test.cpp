// Every family against the official implementation, on every device, from a folder and from GGUF.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "runtime/session.h"
#include "tests/support/golden_model.h"
#include "tests/support/largest_difference.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing_support::GoldenModel;

struct Case {
  const char* model;
  const char* source;  // "folder" or "gguf"
};

struct Tolerance {
  const char* device;
  double relative;  // largest logit difference over the largest reference logit
};

class GoldenModels : public testing::TestWithParam<std::tuple<Case, Tolerance>> {
 protected:
  void SetUp() override {
    const auto [model_case, tolerance] = GetParam();
    golden_ = testing_support::load_golden_model(model_case.model);
    const std::string source = model_case.source == std::string("gguf") ? "/model.gguf" : "";
    auto model = Model::open(golden_.folder + source);
    ASSERT_TRUE(model) << model.error().message();
    SessionOptions options;
    options.context = 128;
    options.sequences = 3;
    options.max_outputs = 32;
    auto session = Session::create(*model,
                                   compiler::Placement::on(testing_support::open_device(tolerance.device),
                                                           int((*model)->hyperparameters().layers)),
                                   options);
    ASSERT_TRUE(session) << session.error().message();
    session_ = std::move(*session);
  }

  // The logits of every id, fed in steps of at most `chunk` rows.
  std::vector<float> logits_of(SequenceId sequence, std::span<const int32_t> ids, size_t chunk) {
    std::vector<float> logits;
    for (size_t done = 0; done < ids.size();) {
      std::vector<StepRow> rows;
      while (rows.size() < chunk && done < ids.size()) rows.push_back({ids[done++], sequence, true});
      const auto result = session_->step(rows);
      EXPECT_TRUE(result) << result.error().message();
      if (!result) return logits;
      logits.insert(logits.end(), result->values.begin(), result->values.end());
    }
    return logits;
  }

  double error_against_reference(std::span<const float> logits) const {
    return testing_support::largest_difference(logits, golden_.logits);
  }

  GoldenModel golden_;
  std::unique_ptr<Session> session_;
};

TEST_P(GoldenModels, LogitsAreThoseOfTheOfficialImplementation) {
  const auto tolerance = std::get<1>(GetParam());
  const double largest = testing_support::largest_size(golden_.logits);
  const std::vector<float> logits = logits_of(*session_->create_sequence(), golden_.input_ids, 32);
  ASSERT_EQ(logits.size(), golden_.logits.size());
  EXPECT_LE(error_against_reference(logits) / largest, tolerance.relative);
}

TEST_P(GoldenModels, GreedyIdsAgreeWhereverTheMarginExceedsTheError) {
  const SequenceId sequence = *session_->create_sequence();
  std::vector<float> logits = logits_of(sequence, golden_.input_ids, 32);
  const double error = error_against_reference(logits);
  const auto vocab = size_t(session_->model().hyperparameters().vocab);
  int comparable = 0;
  for (size_t step = 0; step < golden_.greedy_ids.size(); ++step) {
    const std::span<const float> last = std::span(logits).last(vocab);
    const auto best = std::max_element(last.begin(), last.end()) - last.begin();
    if (golden_.margins[step] > 2 * error) {
      ++comparable;
      EXPECT_EQ(best, golden_.greedy_ids[step]) << "at step " << step;
    }
    logits = logits_of(sequence, std::span(golden_.greedy_ids).subspan(step, 1), 1);
  }
  EXPECT_GE(comparable, int(golden_.greedy_ids.size() * 8 / 10));
}

TEST_P(GoldenModels, ChunksForksTruncationAndRestoringChangeNothing) {
  const auto tolerance = std::get<1>(GetParam());
  const std::span<const int32_t> ids = golden_.input_ids;
  const SequenceId whole = *session_->create_sequence();
  const std::vector<float> expected = logits_of(whole, ids, 32);
  const auto vocab = size_t(session_->model().hyperparameters().vocab);
  const double largest = testing_support::largest_size(expected);
  const auto expect_same = [&](std::span<const float> logits, size_t first, const char* how) {
    const double error = testing_support::largest_difference(logits, std::span(expected).subspan(first * vocab));
    EXPECT_LE(error / largest, tolerance.relative) << how;
  };
  const SequenceId single = *session_->create_sequence();
  expect_same(logits_of(single, ids, 1), 0, "token by token");
  ASSERT_TRUE(session_->truncate(single, 5));
  expect_same(logits_of(single, ids.subspan(5), 7), 5, "after truncate, in chunks of 7");
  ASSERT_TRUE(session_->remove_sequence(single));

  const SequenceId fork = *session_->fork(whole, 9);
  const std::vector<float> forked = logits_of(fork, ids.subspan(9), 3);
  expect_same(forked, 9, "after a fork");
  ASSERT_TRUE(session_->remove_sequence(fork));

  const std::string path = testing::TempDir() + "/kv_" + std::to_string(::getpid()) + ".safetensors";
  ASSERT_TRUE(session_->truncate(whole, 11));
  const Status saved = session_->save(whole, path);
  ASSERT_TRUE(saved) << saved.error().message();
  const auto restored = session_->restore(path);
  ASSERT_TRUE(restored) << restored.error().message();
  const std::vector<float> resumed = logits_of(*restored, ids.subspan(11), 3);
  expect_same(resumed, 11, "after restore");
  EXPECT_EQ(resumed, logits_of(whole, ids.subspan(11), 3)) << "the same shapes give the same bits";
  std::filesystem::remove(path);
}

constexpr Case kCases[] = {{"llama", "folder"},
                           {"llama", "gguf"},
                           {"llama_tied_yarn", "folder"},
                           {"qwen2", "folder"},
                           {"qwen3", "folder"},
                           {"qwen3", "gguf"},
                           {"gemma3", "folder"},
                           // Odd shapes, shards, both spellings of rope.
                           {"held_out_llama", "folder"},
                           {"held_out_llama_tied_yarn", "folder"},
                           {"held_out_mistral", "folder"},
                           {"held_out_qwen2", "folder"},
                           {"held_out_qwen3", "folder"},
                           {"held_out_gemma3", "folder"}};
constexpr Tolerance kTolerances[] = {
#ifdef TRIREME_HAVE_REFERENCE
    {"reference:0", 2e-4},
#endif
#ifdef TRIREME_HAVE_CPU
    {"cpu:0", 2e-3},
#endif
#ifdef TRIREME_HAVE_OPENCL
    {"opencl:0", 3e-3},
#endif
#ifdef TRIREME_HAVE_VULKAN
    {"vulkan:0", 3e-3},
#endif
};

std::string case_name(const testing::TestParamInfo<GoldenModels::ParamType>& info) {
  const auto& [model_case, tolerance] = info.param;
  const std::string device = tolerance.device;
  return std::string(model_case.model) + "_" + model_case.source + "_" + device.substr(0, device.find(':'));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModels, testing::Combine(testing::ValuesIn(kCases), testing::ValuesIn(kTolerances)),
                         case_name);

// A GGUF of Gemma 3 does not carry query_pre_attn_scalar: readers take the head's width. So the file is compared with
// its folder under that value, and then every bit agrees.
TEST(GoldenGemma3, TheGgufIsTheFolderWithTheHeadWidthAsQueryScale) {
  const GoldenModel golden = testing_support::load_golden_model("gemma3");
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("gemma3_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(golden.folder + "/model.safetensors", folder / "model.safetensors");
  std::ifstream source(golden.folder + "/config.json");
  nlohmann::json config = nlohmann::json::parse(source);
  ASSERT_NE(config["query_pre_attn_scalar"], config["head_dim"]);
  config["query_pre_attn_scalar"] = config["head_dim"];
  std::ofstream(folder / "config.json") << config;
  std::vector<std::vector<float>> logits;
  for (const std::string& path : {folder.string(), golden.folder + "/model.gguf"}) {
    const auto model = Model::open(path);
    ASSERT_TRUE(model) << model.error().message();
    SessionOptions options;
    options.context = 64;
    options.max_outputs = 32;
    auto session = Session::create(*model,
                                   compiler::Placement::on(testing_support::open_device(kTolerances[0].device),
                                                           int((*model)->hyperparameters().layers)),
                                   options);
    ASSERT_TRUE(session) << session.error().message();
    const SequenceId sequence = *(*session)->create_sequence();
    std::vector<StepRow> rows;
    for (const int32_t id : golden.input_ids) rows.push_back({id, sequence, true});
    const auto result = (*session)->step(rows);
    ASSERT_TRUE(result) << result.error().message();
    logits.emplace_back(result->values.begin(), result->values.end());
  }
  EXPECT_EQ(logits[0], logits[1]);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace trireme::runtime
