// Models on the accelerator sessions of the test double.
#include <gmock/gmock.h>

#include "tests/opencl_double/double.h"
#include "tests/opencl_double/double_session.h"
#include "tests/support/golden_model.h"

namespace trireme::opencl_double {
namespace {

using runtime::Model;

int layers_of(const Model& model) { return int(model.hyperparameters().layers); }

class Accelerator : public testing::Test {
 protected:
  void TearDown() override { expect_clean(); }
};

TEST_F(Accelerator, SmolLm2GivesTheRecordedIds) {
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, "SmolLM2-135M-Instruct.Q4_1");
  const auto model = open_model(recorded.path);
  ASSERT_TRUE(model);
  const auto device = open_double(0);
  ASSERT_TRUE(device) << device.error().message();
  expect_recorded_ids(model, compiler::Placement::on(*device, layers_of(*model)), recorded.prompts[0], 12);
}

TEST_F(Accelerator, SessionsOfOneChipAreDevicesThatShareALayerStack) {
  const auto golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden.folder);
  ASSERT_TRUE(model);
  compiler::Placement placement;
  const int layers = layers_of(*model);
  for (int session = 0; session < 2; ++session) {
    auto device = open_double(session);
    ASSERT_TRUE(device) << device.error().message();
    ASSERT_EQ((*device)->memory()[0].total_bytes, uint64_t{2} << 30);
    placement.devices.push_back(std::move(*device));
  }
  placement.ranges = {{-1, 0, 0}, {1, layers, 1}};
  const auto found = greedy_on(model, std::move(placement), golden.input_ids, golden.greedy_ids.size());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, golden.greedy_ids);
}

TEST_F(Accelerator, DelaysChangeNothing) {
  const auto golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden.folder);
  ASSERT_TRUE(model);
  set_chance({3, 0, 0, 0.2, 300});
  const auto device = open_double(1);
  ASSERT_TRUE(device) << device.error().message();
  const auto found =
      greedy_on(model, compiler::Placement::on(*device, layers_of(*model)), golden.input_ids, golden.greedy_ids.size());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, golden.greedy_ids);
}

TEST_F(Accelerator, FailuresByChanceAreErrorsAndNothingElse) {
  const auto golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden.folder);
  ASSERT_TRUE(model);
  const std::vector<int32_t> expected(golden.greedy_ids.begin(), golden.greedy_ids.begin() + 4);
  expect_errors_by_chance(expected, [&]() -> Result<std::vector<int32_t>> {
    TRIREME_ASSIGN(const auto device, open_double(0));
    return greedy_on(model, compiler::Placement::on(device, layers_of(*model)), golden.input_ids, 4);
  });
}

}  // namespace
}  // namespace trireme::opencl_double
