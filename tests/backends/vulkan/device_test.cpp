// What Vulkan devices do as any device of compiled kernels, and their own.
#include "tests/backends/kernel_device/contract.h"
#include "tests/backends/vulkan/kernel_fixture.h"

namespace trireme::testing_support {

INSTANTIATE_TEST_SUITE_P(Vulkan, KernelDeviceContract, testing::Values(make_rig<vulkan::VulkanRig>));
INSTANTIATE_TEST_SUITE_P(Vulkan, KernelListContract, testing::Values(make_rig<vulkan::VulkanRig>));

// The validation layer would lose the timelines' state again and again: see kLostByTheLayer.
std::unique_ptr<DeviceRig> make_rig_without_layers() {
  auto rig = std::make_unique<vulkan::VulkanRig>();
  rig->layers_.clear();
  return rig;
}
INSTANTIATE_TEST_SUITE_P(Vulkan, KernelThreadsContract, testing::Values(make_rig_without_layers));

}  // namespace trireme::testing_support

namespace trireme::vulkan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KernelDeviceOnVulkan : public VulkanTest {};

TEST_F(KernelDeviceOnVulkan, BuffersOfACpuDeviceAreMapped) {
  auto buffer = buffer_of<int32_t>({1, 2, 3});
  const auto mapped = buffer->map();
  ASSERT_TRUE(mapped) << "the host sees all memory of a CPU device";
  ASSERT_EQ(mapped->size(), 12u);
  (*mapped)[4] = std::byte{9};
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 3), ElementsAre(1, 9, 3));
}

TEST_F(KernelDeviceOnVulkan, RefusesBuffersThatItsDriverOrItsMemoryDoesNotHold) {
  const uint64_t most = facts_.allocation_bytes;
  const auto refused = device_->allocate(most + 1);
  EXPECT_EQ(refused.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_THAT(refused.error().message(), HasSubstr("more than the " + std::to_string(most)));
  EXPECT_EQ(device_->allocate(UINT64_MAX).error().code(), ErrorCode::kOutOfMemory);
}

TEST_F(KernelDeviceOnVulkan, ABuildErrorNamesTheKernelAndWhatIsWrong) {
  const auto refusal = [&](std::string code) {
    const auto built = device_->build_kernel({"broken", std::move(code), 64, 1, 0});
    EXPECT_EQ(built.error().code(), ErrorCode::kInternal);
    EXPECT_THAT(built.error().message(), HasSubstr("kernel broken"));
    return built.error().why();
  };
  const std::string code = scale().code;
  EXPECT_THAT(refusal(""), HasSubstr("too short"));
  EXPECT_THAT(refusal(code.substr(1)), HasSubstr("too short"));
  EXPECT_THAT(refusal(std::string(40, 'x')), HasSubstr("no SPIR-V"));
  EXPECT_THAT(refusal(code.substr(0, code.size() - 8) + std::string(4, '\x7f')), HasSubstr("cut off"));
  EXPECT_THAT(refusal(code), HasSubstr("no compute kernel of that name"));
}

TEST_F(KernelDeviceOnVulkan, ASourceMustHoldItsEntryWithItsArguments) {
  KernelSource source = scale();
  source.launch_words = 3;
  EXPECT_THAT(device_->build_kernel(source).error().message(), HasSubstr("its module has 2 launch words, not 3"));
  source = scale();
  source.buffers = 0;
  EXPECT_THAT(device_->build_kernel(source).error().message(), HasSubstr("1 buffers, not 0"));
  source = scale();
  source.group_size = 32;
  EXPECT_THAT(device_->build_kernel(source).error().message(), HasSubstr("64 items of a group, not 32"));
}

TEST_F(KernelDeviceOnVulkan, RefusesGroupsThatAreLargerOrShareMoreThanItCan) {
  KernelSource source = scale();
  source.group_size = 1u << 30;
  const auto built = device_->build_kernel(source);
  EXPECT_EQ(built.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(built.error().message(), HasSubstr("in groups of 1 to"));
  source.group_size = 0;
  EXPECT_EQ(device_->build_kernel(source).error().code(), ErrorCode::kUnsupported);
  source = scale();
  source.launch_words = 1000;
  EXPECT_EQ(device_->build_kernel(source).error().code(), ErrorCode::kUnsupported);
  Builder b("sharing", 1);
  b.shared("much", kernel::kU32, 60000);
  Target target;
  target.shared_bytes = 1 << 20;
  EXPECT_THAT(device_->build_kernel(*compiler::emit_spirv(*b.finish(), target)).error().message(),
              HasSubstr("240000 shared bytes"));
}

TEST_F(KernelDeviceOnVulkan, AKernelNeedsNothingOfWhatTheDriverKept) {
  const auto built = *device_->build_kernel(scale());
  EXPECT_TRUE(device_->load_kernel(scale(), built));
  EXPECT_TRUE(device_->load_kernel(scale(), {}));
  KernelSource other = scale();
  other.launch_words = 1;
  const auto refused = device_->load_kernel(other, built);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("its module has 2 launch words, not 1"));
}

// y gets a word of x and four of z.
KernelSource texel_kernel() {
  Builder b("texels", 8);
  const uint32_t x = b.buffer("x", kernel::Access::kRead), z = b.buffer("z", kernel::Access::kRead),
                 y = b.buffer("y", kernel::Access::kWrite);
  const Term i = b.local_id(), four = b.load(z, i, kernel::kU32.with_lanes(4));
  Term sum = b.load(x, i, kernel::kU32);
  for (uint32_t lane = 0; lane < 4; ++lane) sum = sum * 10u + extract(four, lane);
  b.store(y, i, sum);
  return emitted(*b.finish(), true);
}

TEST_F(KernelDeviceOnVulkan, BindsTexelsOfPartsOfABuffer) {
  std::vector<uint32_t> words(128);
  for (uint32_t i = 0; i < 128; ++i) words[i] = i < 64 ? i : i % 10;
  const auto in = buffer_of(words), y = buffer_of(std::vector<uint32_t>(8));
  auto list = *device_->create_list();
  // The second range ends inside a texel, which is none of the kernel's.
  const BufferRange ranges[] = {whole(in).part(0, 256), whole(in).part(256, 8 * 16 + 12), whole(y)};
  ASSERT_TRUE(list->launch(load(texel_kernel()), {{1, 1, 1}, ranges, {}}));
  ASSERT_TRUE(list->finish());
  run(*list);
  const std::vector<uint32_t> sums = values_of<uint32_t>(*y, 0, 8);
  for (uint32_t i = 0; i < 8; ++i) {
    uint32_t expected = i;
    for (uint32_t lane = 0; lane < 4; ++lane) expected = expected * 10 + words[64 + 4 * i + lane];
    EXPECT_EQ(sums[i], expected) << i;
  }
}

TEST_F(KernelDeviceOnVulkan, RefusesARangeWithoutATexel) {
  auto x = *device_->allocate(256), y = *device_->allocate(256);
  const BufferRange ranges[] = {whole(x), whole(x).part(0, 12), whole(y)};
  const Status status = (*device_->create_list())->launch(load(texel_kernel()), {{1, 1, 1}, ranges, {}});
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(status.error().message(), HasSubstr("texels (maxTexelBufferElements), not 0"));
}

TEST_F(KernelDeviceOnVulkan, RefusesARangeThatIsLongerThanTheDeviceBinds) {
  const uint64_t most = device_->target().max_buffer_bytes;
  auto x = *device_->allocate(most + 256);
  const BufferRange range = whole(x);
  const uint32_t words[] = {1, 2};
  const Status status = (*device_->create_list())->launch(load(scale()), {{1, 1, 1}, {&range, 1}, words});
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(status.error().message(), HasSubstr("at most " + std::to_string(most)));
  EXPECT_THAT(status.error().message(), HasSubstr("maxStorageBufferRange"));
}

}  // namespace
}  // namespace trireme::vulkan
