// Models on devices that have as little as there may be.
#include <gtest/gtest.h>

#include "hal/validation.h"
#include "tests/devices/masks.h"
#include "tests/support/golden_model.h"
#include "tests/support/greedy.h"

namespace trireme::devices_test {
namespace {

void least_for_models(Target& target) {
  least(target);
  target.max_buffer_bytes = 32 << 20;
}

class LeastDevice : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(LeastDevice, GivesTheGreedyIds) {
  const auto& [id, family] = GetParam();
  const auto golden = testing_support::load_golden_model(family);
  const auto model = testing_support::open_model(golden.folder);
  ASSERT_TRUE(model);
  const Validation validation([](const Error& finding) { ADD_FAILURE() << finding.message(); });
  const auto device = open_masked(id, least_for_models);
  ASSERT_TRUE(device) << device.error().message();
  const auto layers = int(model->hyperparameters().layers);
  const auto found = testing_support::greedy_on(model, compiler::Placement::on(validate(*device, validation), layers),
                                                golden.input_ids, golden.greedy_ids.size());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, golden.greedy_ids);
}

std::string name_of(const testing::TestParamInfo<LeastDevice::ParamType>& info) {
  const std::string device = std::get<0>(info.param);
  return device.substr(0, device.find(':')) + "_" + std::get<1>(info.param);
}

INSTANTIATE_TEST_SUITE_P(All, LeastDevice,
                         testing::Combine(testing::Values("opencl:0", "vulkan:0"), testing::Values("llama", "gemma3")),
                         name_of);

}  // namespace
}  // namespace trireme::devices_test
