// Every op and a token of a model on vulkan:0, under the layer that judges calls and copies.
#include "backends/vulkan/backend.h"
#include "compiler/device/compile_for.h"
#include "tests/backends/vulkan/kernel_fixture.h"
#include "tests/devices/masks.h"
#include "tests/support/greedy.h"

namespace trireme::devices_test {
namespace {

using vulkan::Messages;

Result<std::shared_ptr<Device>> open(const std::shared_ptr<Messages>& messages, bool gpu_assisted = false) {
  vulkan::Diagnostics diagnostics{
      {"VK_LAYER_KHRONOS_validation"}, [messages](std::string_view message) { messages->add(message); }, gpu_assisted};
  DeviceOptions options;
  options.kernel_compiler = compiler::kernel_compiler({});
  return vulkan::create_backend(vulkan::kLoader, std::move(diagnostics))->open(0, options);
}

class UnderLayers : public conformance::Conformance {};

TEST_P(UnderLayers, GivesNothingToSay) {
  const auto messages = std::make_shared<Messages>();
  run(GetParam(), [&] { return open(messages); });
  EXPECT_THAT(messages->all(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, UnderLayers, testing::ValuesIn(conformance::groups(1)), conformance::group_name);

// Kernels are judged as they run: the layer writes checks into them.
class WithChecksInKernels : public conformance::Conformance {};

TEST_P(WithChecksInKernels, GivesNothingToSay) {
  const auto messages = std::make_shared<Messages>();
  run(GetParam(), [&] { return open(messages, true); });
  EXPECT_THAT(messages->all(), testing::IsEmpty());
}

// Kernels with checks take three times as long to build.
INSTANTIATE_TEST_SUITE_P(Matmul, WithChecksInKernels, testing::ValuesIn(groups_of(1, {"matmul"})),
                         conformance::group_name);
INSTANTIATE_TEST_SUITE_P(DISABLED_All, WithChecksInKernels, testing::ValuesIn(conformance::groups(1)),
                         conformance::group_name);

class ModelUnderLayers : public testing::TestWithParam<bool> {};

TEST_P(ModelUnderLayers, GivesNothingToSay) {
  const auto messages = std::make_shared<Messages>();
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, "SmolLM2-135M-Instruct.Q4_1");
  const auto model = testing_support::open_model(recorded.path);
  ASSERT_TRUE(model);
  {
    const auto device = open(messages, GetParam());
    ASSERT_TRUE(device) << device.error().message();
    const auto layers = int(model->hyperparameters().layers);
    testing_support::expect_recorded_ids(model, compiler::Placement::on(*device, layers), recorded.prompts[0], 1);
  }
  EXPECT_THAT(messages->all(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Calls, ModelUnderLayers, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(DISABLED_Kernels, ModelUnderLayers, testing::Values(true));

// Debian's layer (1.3.239) sees hazards between copies. It says nothing of kernels that write one buffer without a
// barrier between them: those are left to the validation of hal/.
class Layers : public vulkan::VulkanTest {
 protected:
  void copy_twice(bool barrier) {
    const auto buffer = buffer_of(std::vector<float>(256, 1));
    const BufferRange range = testing_support::whole(buffer);
    auto list = *device_->create_list();
    ASSERT_TRUE(list->copy(range.part(0, 64), range.part(256, 64)));
    if (barrier) {
      ASSERT_TRUE(list->barrier());
    }
    ASSERT_TRUE(list->copy(range.part(0, 64), range.part(256, 64)));
    ASSERT_TRUE(list->finish());
    run(*list);
  }
};

TEST_F(Layers, SeeThatABarrierIsMissing) {
  copy_twice(true);
  EXPECT_THAT(messages_->take(), testing::IsEmpty());
  copy_twice(false);
  EXPECT_THAT(messages_->take(), testing::ElementsAre(testing::HasSubstr("SYNC-HAZARD-WRITE-AFTER-WRITE")));
}

class ChecksInKernels : public vulkan::VulkanTest {
 protected:
  ChecksInKernels() { gpu_assisted_ = true; }
};

TEST_F(ChecksInKernels, SeeStrays) {
  const auto buffer = buffer_of(std::vector<float>(64, 1));
  const BufferRange range = testing_support::whole(buffer);
  auto list = *device_->create_list();
  const uint32_t inside[] = {64, 2}, outside[] = {128, 2};
  ASSERT_TRUE(list->launch(load(scale()), {{1, 1, 1}, {&range, 1}, inside}));
  ASSERT_TRUE(list->finish());
  run(*list);
  EXPECT_THAT(messages_->take(), testing::IsEmpty());
  list = *device_->create_list();
  ASSERT_TRUE(list->launch(load(scale()), {{2, 1, 1}, {&range, 1}, outside}));
  ASSERT_TRUE(list->finish());
  run(*list);
  EXPECT_THAT(messages_->take(), testing::Contains(testing::HasSubstr("out of bounds")));
}

}  // namespace
}  // namespace trireme::devices_test
