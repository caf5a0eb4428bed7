// Models on the custom device of the test double, with another device for what it has no kernel for.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "hal/validation.h"
#include "runtime/convert/quantize.h"
#include "runtime/planner.h"
#include "tests/opencl_double/double.h"
#include "tests/opencl_double/double_session.h"
#include "tests/support/golden_model.h"
#include "tests/support/recorded_model.h"
#include "tests/support/test_devices.h"

namespace trireme::opencl_double {
namespace {

using runtime::Model;
using runtime::Session;
using runtime::SessionOptions;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kCustom = 4;
constexpr char kSmolLm2[] = "SmolLM2-135M-Instruct.Q4_1";

// The custom device for all layers; `other` may do what it can't, unless that is null.
Result<compiler::Placement> on_custom(const Model& model, std::shared_ptr<Device> other) {
  TRIREME_ASSIGN(auto custom, open_double(kCustom));
  auto placement = compiler::Placement::on(std::move(custom), int(model.hyperparameters().layers));
  if (!other) return placement;
  placement.devices.push_back(std::move(other));
  placement.fallback = 1;
  return placement;
}

// The logits of every id, given in steps of five.
Result<std::vector<float>> logits_of(const std::shared_ptr<const Model>& model, compiler::Placement placement,
                                     std::span<const int32_t> ids, SessionOptions options) {
  options.max_outputs = options.max_rows;
  TRIREME_ASSIGN(const auto session, Session::create(model, std::move(placement), options));
  TRIREME_ASSIGN(const runtime::SequenceId sequence, session->create_sequence());
  std::vector<float> all;
  for (size_t done = 0; done < ids.size();) {
    std::vector<runtime::StepRow> rows;
    while (rows.size() < 5 && done < ids.size()) rows.push_back({ids[done++], sequence, true});
    TRIREME_ASSIGN(const runtime::Logits logits, session->step(rows));
    all.insert(all.end(), logits.values.begin(), logits.values.end());
  }
  return all;
}

class Custom : public testing::Test {
 protected:
  void TearDown() override { expect_clean(); }
};

TEST_F(Custom, SmolLm2GivesTheRecordedIdsWhereTheCpuDoesTheRest) {
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, kSmolLm2);
  const auto model = open_model(recorded.path);
  ASSERT_TRUE(model);
  const Validation validation([](const Error& finding) { ADD_FAILURE() << finding.message(); });
  auto placement = on_custom(*model, testing_support::open_bare_device("cpu:0"));
  ASSERT_TRUE(placement) << placement.error().message();
  for (auto& device : placement->devices) device = validate(device, validation);
  expect_recorded_ids(model, std::move(*placement), recorded.prompts[0], 12);
}

TEST_F(Custom, WithoutPermissionEachOpThatItCannotDoIsNamedBeforeAnythingRuns) {
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, kSmolLm2);
  const auto model = open_model(recorded.path);
  ASSERT_TRUE(model);
  auto placement = on_custom(*model, nullptr);
  ASSERT_TRUE(placement) << placement.error().message();
  const auto session = Session::create(model, std::move(*placement), small_session());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ErrorCode::kUnsupported);
  const std::string message = session.error().message();
  for (const char* label : {"embed_rows token_embd ", "gather_rows output_rows ", "output_norm"})
    EXPECT_THAT(message, HasSubstr(label));
  for (const char* op : {"attention blk.0.attention ", "fused_norm blk.0.attn_norm ", "fused_norm blk.0.ffn_norm ",
                         "matmul_glu blk.0.ffn_glu ", "rope_store blk.0.kv_store "})
    EXPECT_THAT(message, ContainsRegex(std::string(op) + "[^.]*and so in layers 1 to 29: opencl:4 cannot do it"));
  EXPECT_THAT(message, HasSubstr("opencl:4 cannot do it: it has no built-in kernel that quantizes what a norm gives"));
  EXPECT_THAT(message, Not(HasSubstr("matmul blk")));
  EXPECT_THAT(message, Not(HasSubstr("attn_q")));
}

TEST_F(Custom, APlanShowsWhatGoesToTheOtherDevice) {
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, kSmolLm2);
  const auto model = open_model(recorded.path);
  ASSERT_TRUE(model);
  const auto custom = open_double(kCustom);
  ASSERT_TRUE(custom) << custom.error().message();
  const auto cpu = testing_support::open_bare_device("cpu:0");
  const auto planned = [&](std::vector<runtime::PlanDevice> devices, runtime::PlanDevice fallback) {
    return runtime::plan_placement(*model, std::move(devices), {256, 1, nullptr, fallback});
  };
  const auto plan = planned({{*custom, {}}}, {cpu, {}});
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->ranges.size(), 2u);
  EXPECT_EQ(plan->ranges[0].device, "opencl:4");
  EXPECT_EQ(plan->ranges[0].kv_bytes, 0u);
  EXPECT_EQ(plan->ranges[1].device, "cpu:0");
  EXPECT_EQ(plan->ranges[1].reason,
            "ops that opencl:4 cannot do: attention, embed_rows, fused_norm, gather_rows, matmul_glu, rope_store");
  EXPECT_GT(plan->ranges[1].kv_bytes, 0u);
  EXPECT_GT(plan->ranges[0].weight_bytes, uint64_t{40} << 20);
  EXPECT_GT(plan->ranges[1].weight_bytes, uint64_t{40} << 20);

  const auto unneeded = planned({{cpu, {}}}, {*custom, {}});
  ASSERT_TRUE(unneeded) << unneeded.error().message();
  EXPECT_EQ(unneeded->ranges.size(), 1u);

  const auto too_small = planned({{*custom, {}}}, {cpu, uint64_t{16} << 20});
  ASSERT_FALSE(too_small);
  EXPECT_EQ(too_small.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_THAT(too_small.error().message(), HasSubstr("cpu:0"));
}

// The golden model in a type, with and without fused ops. The double computes with the reference's loops, so with that
// device for the rest every bit is the reference's.
class CustomTypes : public testing::TestWithParam<std::tuple<const char*, bool>> {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "trireme_custom_" + std::to_string(::getpid()) + ".gguf";
    golden_ = testing_support::load_golden_model("llama");
    runtime::QuantizeOptions options;
    options.rules.type = find_format(std::get<0>(GetParam()));
    const auto made = runtime::quantize(golden_.folder + "/model.gguf", path_, options);
    ASSERT_TRUE(made) << made.error().message();
    model_ = open_model(path_);
    ASSERT_TRUE(model_);
  }
  void TearDown() override {
    model_.reset();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    expect_clean();
  }

  std::string path_;
  testing_support::GoldenModel golden_;
  std::shared_ptr<const Model> model_;
};

TEST_P(CustomTypes, EveryBitIsTheReferences) {
  SessionOptions options = small_session();
  options.kv_format = &formats::f32();
  options.compile.fuse = std::get<1>(GetParam());
  const auto reference = testing_support::open_bare_device("reference:0");
  auto placement = on_custom(*model_, reference);
  ASSERT_TRUE(placement) << placement.error().message();
  const auto found = logits_of(model_, std::move(*placement), golden_.input_ids, options);
  const auto expected = logits_of(model_, compiler::Placement::on(reference, int(model_->hyperparameters().layers)),
                                  golden_.input_ids, options);
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_TRUE(expected) << expected.error().message();
  EXPECT_EQ(*found, *expected);
}

INSTANTIATE_TEST_SUITE_P(All, CustomTypes,
                         testing::Combine(testing::Values("F32", "F16", "Q4_1", "Q8_0"), testing::Bool()),
                         [](const auto& parameters) {
                           return std::string(std::get<0>(parameters.param)) +
                                  (std::get<1>(parameters.param) ? "_fused" : "");
                         });

TEST_F(Custom, FailuresByChanceAreErrorsAndNothingElse) {
  const auto golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden.folder);
  ASSERT_TRUE(model);
  const auto cpu = testing_support::open_bare_device("cpu:0");
  const std::vector<int32_t> expected(golden.greedy_ids.begin(), golden.greedy_ids.begin() + 4);
  expect_errors_by_chance(expected, [&]() -> Result<std::vector<int32_t>> {
    TRIREME_ASSIGN(auto placement, on_custom(*model, cpu));
    return greedy_on(model, std::move(placement), golden.input_ids, 4);
  });
}

}  // namespace
}  // namespace trireme::opencl_double
