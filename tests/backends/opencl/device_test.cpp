// What OpenCL devices do as any device of compiled kernels, and their own.
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "tests/backends/kernel_device/contract.h"
#include "tests/backends/opencl/kernel_fixture.h"

namespace trireme::testing_support {

INSTANTIATE_TEST_SUITE_P(OpenCl, KernelDeviceContract, testing::Values(make_rig<opencl::OpenClRig>));
INSTANTIATE_TEST_SUITE_P(OpenCl, KernelListContract, testing::Values(make_rig<opencl::OpenClRig>));
INSTANTIATE_TEST_SUITE_P(OpenCl, KernelThreadsContract, testing::Values(make_rig<opencl::OpenClRig>));

}  // namespace trireme::testing_support

namespace trireme::opencl {
namespace {

using ::testing::HasSubstr;

class KernelDeviceOnOpenCl : public OpenClTest {};

TEST_F(KernelDeviceOnOpenCl, DoesNotMapItsBuffers) {
  EXPECT_EQ(buffer_of<int32_t>({1, 2, 3})->map().error().code(), ErrorCode::kUnsupported);
}

TEST_F(KernelDeviceOnOpenCl, RefusesBuffersThatItsDriverOrItsMemoryDoesNotHold) {
  const uint64_t most = device_->target().max_buffer_bytes;
  const auto refused = device_->allocate(most + 1);
  EXPECT_EQ(refused.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_THAT(refused.error().message(), HasSubstr("more than the " + std::to_string(most)));
  EXPECT_EQ(device_->allocate(UINT64_MAX).error().code(), ErrorCode::kOutOfMemory);
}

TEST_F(KernelDeviceOnOpenCl, ABuildErrorNamesTheKernelAndQuotesTheCompiler) {
  const auto built =
      device_->build_kernel({"broken", "__kernel void broken(__global float* x) { x[0] = missing; }", 64, 1, 0});
  EXPECT_EQ(built.error().code(), ErrorCode::kInternal);
  EXPECT_THAT(built.error().message(), HasSubstr("kernel broken"));
  EXPECT_THAT(built.error().message(), HasSubstr("undeclared identifier 'missing'"));
}

TEST_F(KernelDeviceOnOpenCl, ASourceMustHoldItsEntryWithItsArguments) {
  KernelSource source = scale();
  source.entry = "shrink";
  EXPECT_THAT(device_->build_kernel(source).error().message(), HasSubstr("kernel shrink"));
  source = scale();
  source.launch_words = 3;
  EXPECT_THAT(device_->build_kernel(source).error().message(),
              HasSubstr("it takes 3 arguments, not 1 buffers and 3 words"));
}

TEST_F(KernelDeviceOnOpenCl, RefusesGroupsThatAreLargerOrShareMoreThanItCan) {
  KernelSource source = scale();
  source.group_size = 1u << 30;
  const auto built = device_->build_kernel(source);
  EXPECT_EQ(built.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(built.error().message(), HasSubstr("in groups of 1 to"));
  source.group_size = 0;
  EXPECT_EQ(device_->build_kernel(source).error().code(), ErrorCode::kUnsupported);
  const std::string floats = std::to_string(device_->target().shared_bytes / 4 + 1);
  const auto sharing =
      device_->build_kernel({"share",
                             "__kernel void share(__global float* x) { __local float part[" + floats +
                                 "]; part[get_local_id(0)] = x[0]; barrier(CLK_LOCAL_MEM_FENCE); x[0] = part[1]; }",
                             64, 1, 0});
  EXPECT_EQ(sharing.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(sharing.error().message(), HasSubstr("bytes in a group"));
}

TEST_F(KernelDeviceOnOpenCl, RefusesWhatTheDriverDidNotBuildForTheSource) {
  const auto built = *device_->build_kernel(scale());
  const auto expect_refused = [&](const KernelSource& source, std::span<const std::byte> bytes) {
    const auto kernel = device_->load_kernel(source, bytes);
    ASSERT_FALSE(kernel);
    EXPECT_EQ(kernel.error().code(), ErrorCode::kCorruptData) << kernel.error().message();
  };
  EXPECT_TRUE(device_->load_kernel(scale(), built));
  expect_refused(scale(), {});
  expect_refused(scale(), std::vector(1000, std::byte{7}));
  KernelSource other = scale();
  other.launch_words = 1;
  expect_refused(other, built);
  expect_refused(row_sum(), built);
}

// Else PoCL compiles the kernel a second time, where it is launched. It asks where its cache is once in a process.
TEST(OpenClBuilderDeathTest, BuildsKernelsForTheirGroups) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto build = [] {
    OpenClRig rig(true);
    rig.set_up();
    const auto built = rig.open()->build_kernel(rig.scale());
    if (!built) return built.error().message();
    const std::string_view text(reinterpret_cast<const char*>(built->data()), built->size());
    const std::filesystem::path cache = ::getenv("POCL_CACHE_DIR");
    return std::string("size of groups: ") +
           (text.find("64-1-1-goffs0-smallgrid") != std::string_view::npos ? "yes" : "no") +
           ", kept: " + (std::filesystem::is_empty(cache) ? "no" : "yes");
  };
  EXPECT_EXIT(
      {
        std::cerr << build();
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "size of groups: yes, kept: no");
}

}  // namespace
}  // namespace trireme::opencl
