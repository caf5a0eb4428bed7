// Every op and a token of a model on vulkan:0, under the layer that judges calls and copies.
#include "backends/vulkan/backend.h"
#include "compiler/device/compile_for.h"
#include "tests/backends/vulkan/kernel_fixture.h"
#include "tests/conformance/suite.h"
#include "tests/support/greedy.h"

namespace trireme::devices_test {
namespace {

using vulkan::Messages;

Result<std::shared_ptr<Device>> open(const std::shared_ptr<Messages>& messages) {
  vulkan::Diagnostics diagnostics{{"VK_LAYER_KHRONOS_validation"},
                                  [messages](std::string_view message) { messages->add(message); }};
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

TEST(ModelUnderLayers, GivesNothingToSay) {
  const auto messages = std::make_shared<Messages>();
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, "SmolLM2-135M-Instruct.Q4_1");
  const auto model = testing_support::open_model(recorded.path);
  ASSERT_TRUE(model);
  {
    const auto device = open(messages);
    ASSERT_TRUE(device) << device.error().message();
    const auto layers = int(model->hyperparameters().layers);
    testing_support::expect_recorded_ids(model, compiler::Placement::on(*device, layers), recorded.prompts[0], 1);
  }
  EXPECT_THAT(messages->all(), testing::IsEmpty());
}

// Debian's layer (1.3.239) sees hazards between copies. It says nothing of kernels that write one buffer without a
// barrier between them: those are left to the validation of hal/.
class Layers : public vulkan::VulkanTest {
 protected:
  void copy_twice(bool barrier) {
    const auto buffer = buffer_of(std::vector<float>(256, 1));
    const BufferRange range = vulkan::whole(buffer);
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

}  // namespace
}  // namespace trireme::devices_test
