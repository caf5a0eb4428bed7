// What becomes of failing drivers, and of devices whose memory the host does not see.
#include "hal/host_timeline.h"
#include "tests/backends/vulkan/kernel_fixture.h"

namespace trireme::vulkan {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

// In the place of any call: does nothing and answers with one code.
template <VkResult kCode, typename... Arguments>
VkResult answer(Arguments...) {
  return kCode;
}

// A device whose functions are changed, with a list of one launch that is ready to be submitted.
class VulkanFailure : public VulkanTest {
 protected:
  void SetUp() override {
    VulkanTest::SetUp();
    buffer_ = *device_->allocate(256);
    list_ = *device_->create_list();
    const BufferRange range = whole(buffer_);
    const uint32_t words[] = {64, 2};
    ASSERT_TRUE(list_->launch(load(scale()), {{1, 1, 1}, {&range, 1}, words}));
    ASSERT_TRUE(list_->finish());
  }
  void TearDown() override {
    instance_->functions = kept_;
    list_.reset();
    buffer_.reset();
    VulkanTest::TearDown();
  }
  Functions& functions() {
    kept_ = instance_->functions;
    return instance_->functions;
  }

  Functions kept_;
  std::shared_ptr<Buffer> buffer_;
  std::unique_ptr<KernelList> list_;
};

TEST_F(VulkanFailure, ASubmissionThatTheDriverRefusesFailsTheTimelines) {
  functions().vkQueueSubmit = answer<VK_ERROR_DEVICE_LOST>;
  auto own = *device_->create_timeline();
  HostTimeline foreign;
  const TimelinePoint done[] = {{own.get(), 1}, {&foreign, 1}};
  ASSERT_TRUE(device_->submit(*list_, {}, done));
  for (const TimelinePoint& point : done) {
    const Status status = point.timeline->wait(1, kPatience);
    EXPECT_EQ(status.error().code(), ErrorCode::kDeviceLost);
    EXPECT_THAT(status.error().message(), HasSubstr("vkQueueSubmit failed with VK_ERROR_DEVICE_LOST"));
  }
  instance_->functions.vkQueueSubmit = answer<VK_ERROR_OUT_OF_DEVICE_MEMORY>;
  EXPECT_EQ(run(*device_, *list_).error().code(), ErrorCode::kOutOfMemory);
  // What waits for a timeline that has failed does not run, and fails.
  instance_->functions = kept_;
  auto next = *device_->create_timeline();
  const TimelinePoint after{next.get(), 1};
  ASSERT_TRUE(device_->submit(*list_, {done, 1}, {&after, 1}));
  EXPECT_EQ(next->wait(1, kPatience).error().code(), ErrorCode::kDeviceLost);
}

TEST_F(VulkanFailure, ADeviceThatIsLostWhileItRunsFailsTheTimelines) {
  auto own = *device_->create_timeline();
  HostTimeline foreign;
  const TimelinePoint done[] = {{own.get(), 1}, {&foreign, 1}};
  functions().vkWaitSemaphores = answer<VK_ERROR_DEVICE_LOST>;
  ASSERT_TRUE(device_->submit(*list_, {}, done));
  for (const TimelinePoint& point : done) {
    const Status status = point.timeline->wait(1, kPatience);
    EXPECT_EQ(status.error().code(), ErrorCode::kDeviceLost);
    EXPECT_THAT(status.error().message(), HasSubstr("vkWaitSemaphores failed with VK_ERROR_DEVICE_LOST"));
  }
  // The list runs on, in truth: a timeline that goes now waits for it.
  instance_->functions = kept_;
}

TEST_F(VulkanFailure, MemoryThatTheDriverDoesNotGiveIsNoLongerCounted) {
  functions().vkAllocateMemory = answer<VK_ERROR_OUT_OF_DEVICE_MEMORY>;
  const uint64_t before = device_->memory()[0].free_bytes;
  EXPECT_EQ(device_->allocate(1 << 20).error().code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(device_->memory()[0].free_bytes, before);
}

TEST_F(VulkanFailure, ACompilerThatRefusesNamesTheKernel) {
  functions().vkCreateComputePipelines = answer<VK_ERROR_INVALID_SHADER_NV>;
  const auto built = device_->build_kernel(scale());
  EXPECT_EQ(built.error().code(), ErrorCode::kInternal);
  EXPECT_THAT(built.error().message(), HasSubstr("kernel scale"));
  EXPECT_THAT(built.error().message(), HasSubstr("VK_ERROR_INVALID_SHADER_NV"));
}

// As on a board with its own memory: contents go through the staging buffer, in several parts.
class StagedVulkan : public VulkanTest {
 protected:
  void SetUp() override {
    VulkanTest::SetUp();
    facts_.staged = true;
    device_ = open();
  }
};

TEST_F(StagedVulkan, ContentsGoThroughTheStagingBuffer) {
  constexpr size_t kCount = (9 << 20) / sizeof(float) + 3;
  const auto buffer = buffer_of(std::vector<float>(kCount, 1.5f));
  EXPECT_EQ(buffer->map().error().code(), ErrorCode::kUnsupported);
  auto list = *device_->create_list();
  const BufferRange range = whole(buffer);
  const uint32_t words[] = {uint32_t(kCount), 2};
  ASSERT_TRUE(list->launch(load(scale()), {{uint32_t(kCount / 64 + 1), 1, 1}, {&range, 1}, words}));
  ASSERT_TRUE(list->finish());
  run(*list);
  EXPECT_THAT(values_of<float>(*buffer, 0, kCount), Each(3));
  EXPECT_THAT(values_of<float>(*buffer, (kCount - 2) * sizeof(float), 2), Each(3));
  EXPECT_FALSE(device_->import_host({}));
}

}  // namespace
}  // namespace trireme::vulkan
