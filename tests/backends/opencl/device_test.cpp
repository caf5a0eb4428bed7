// Buffers, kernels and submissions of an OpenCL device.
#include <cstdlib>

#include "hal/host_timeline.h"
#include "tests/backends/opencl/kernel_fixture.h"

namespace trireme::opencl {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KernelDeviceOnOpenCl : public OpenClTest {
 protected:
  // A finished list that copies the first of two ints over the second.
  std::unique_ptr<KernelList> copying(const std::shared_ptr<Buffer>& buffer) {
    auto list = *device_->create_list();
    EXPECT_TRUE(list->copy(whole(buffer).part(0, 4), whole(buffer).part(4, 4)));
    EXPECT_TRUE(list->finish());
    return list;
  }
};

TEST_F(KernelDeviceOnOpenCl, BuffersHoldWhatIsWrittenAndRefuseRangesThatLeaveThem) {
  auto buffer = buffer_of<int32_t>({1, 2, 3});
  EXPECT_EQ(buffer->size(), 12u);
  EXPECT_THAT(values_of<int32_t>(*buffer, 4, 2), ElementsAre(2, 3));
  std::vector<std::byte> data(8);
  EXPECT_EQ(buffer->write(5, data).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(buffer->read(UINT64_MAX, data).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(buffer->write(12, {}));
  EXPECT_EQ(buffer->map().error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ((*device_->allocate(0))->size(), 0u);
}

TEST_F(KernelDeviceOnOpenCl, RefusesBuffersThatItsDriverOrItsMemoryDoesNotHold) {
  const uint64_t most = device_->target().max_buffer_bytes;
  const auto refused = device_->allocate(most + 1);
  EXPECT_EQ(refused.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_THAT(refused.error().message(), HasSubstr("more than the " + std::to_string(most)));
  EXPECT_EQ(device_->allocate(UINT64_MAX).error().code(), ErrorCode::kOutOfMemory);
}

TEST_F(KernelDeviceOnOpenCl, CountsWhatItAllocatedAsNoLongerFree) {
  ASSERT_EQ(device_->memory().size(), 1u);
  const MemoryHeap before = device_->memory()[0];
  EXPECT_EQ(before.free_bytes, before.total_bytes);
  auto buffer = *device_->allocate(1 << 20);
  EXPECT_EQ(device_->memory()[0].free_bytes, before.free_bytes - (1 << 20));
  buffer.reset();
  EXPECT_EQ(device_->memory()[0].free_bytes, before.free_bytes);
  EXPECT_FALSE(device_->allocate(UINT64_MAX));
  EXPECT_EQ(device_->memory()[0].free_bytes, before.free_bytes);
}

TEST_F(KernelDeviceOnOpenCl, UsesAlignedHostMemoryInPlaceAndRefusesOther) {
  constexpr size_t kBytes = 8192;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  const std::unique_ptr<void, Free> memory(std::aligned_alloc(4096, kBytes));
  const std::span<std::byte> bytes(static_cast<std::byte*>(memory.get()), kBytes);
  std::fill(bytes.begin(), bytes.end(), std::byte{7});
  const auto buffer = device_->import_host(bytes);
  ASSERT_TRUE(buffer) << buffer.error().message();
  EXPECT_EQ((*buffer)->size(), kBytes);
  EXPECT_THAT(values_of<uint8_t>(**buffer, 0, kBytes), Each(7));
  EXPECT_EQ(device_->memory()[0].free_bytes, device_->memory()[0].total_bytes);
  EXPECT_EQ(device_->import_host(bytes.subspan(64)).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(device_->import_host({}).error().code(), ErrorCode::kUnsupported);
}

TEST_F(KernelDeviceOnOpenCl, ABuildErrorNamesTheKernelAndQuotesTheCompiler) {
  const auto built =
      device_->build_kernel({"broken", "__kernel void broken(__global float* x) { x[0] = missing; }", 64, 1, 0});
  EXPECT_EQ(built.error().code(), ErrorCode::kInternal);
  EXPECT_THAT(built.error().message(), HasSubstr("kernel broken"));
  EXPECT_THAT(built.error().message(), HasSubstr("undeclared identifier 'missing'"));
}

TEST_F(KernelDeviceOnOpenCl, ASourceMustHoldItsEntryWithItsArguments) {
  KernelSource source = kScale;
  source.entry = "shrink";
  EXPECT_THAT(device_->build_kernel(source).error().message(), HasSubstr("kernel shrink"));
  source = kScale;
  source.launch_words = 3;
  EXPECT_THAT(device_->build_kernel(source).error().message(),
              HasSubstr("it takes 3 arguments, not 1 buffers and 3 words"));
}

TEST_F(KernelDeviceOnOpenCl, RefusesGroupsThatAreLargerOrShareMoreThanItCan) {
  KernelSource source = kScale;
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

TEST_F(KernelDeviceOnOpenCl, AKernelDescribesItselfWithoutItsCode) {
  const auto kernel = load(kScale);
  EXPECT_EQ(kernel->source().entry, "scale");
  EXPECT_EQ(kernel->source().group_size, 64u);
  EXPECT_EQ(kernel->source().buffers, 1u);
  EXPECT_EQ(kernel->source().launch_words, 2u);
  EXPECT_TRUE(kernel->source().code.empty());
}

TEST_F(KernelDeviceOnOpenCl, RefusesWhatTheDriverDidNotBuildForTheSource) {
  const auto built = *device_->build_kernel(kScale);
  const auto expect_refused = [&](const KernelSource& source, std::span<const std::byte> bytes) {
    const auto kernel = device_->load_kernel(source, bytes);
    ASSERT_FALSE(kernel);
    EXPECT_EQ(kernel.error().code(), ErrorCode::kCorruptData) << kernel.error().message();
  };
  EXPECT_TRUE(device_->load_kernel(kScale, built));
  expect_refused(kScale, {});
  expect_refused(kScale, std::vector(1000, std::byte{7}));
  KernelSource other = kScale;
  other.launch_words = 1;
  expect_refused(other, built);
  expect_refused(kRowSum, built);
}

TEST_F(KernelDeviceOnOpenCl, AnUnmetWaitHoldsAListBackAndNotItsCaller) {
  auto buffer = buffer_of<int32_t>({5, 0});
  const auto list = copying(buffer), empty = *device_->create_list();
  ASSERT_TRUE(empty->finish());
  HostTimeline gate;
  auto first = *device_->create_timeline(), second = *device_->create_timeline();
  const TimelinePoint wait{&gate, 3}, done{first.get(), 1}, after{second.get(), 1};
  ASSERT_TRUE(device_->submit(*list, {&wait, 1}, {&done, 1}));
  ASSERT_TRUE(device_->submit(*empty, {}, {&after, 1}));
  EXPECT_EQ(second->wait(1, std::chrono::milliseconds(20)).error().code(), ErrorCode::kTimeout)
      << "lists run in the order of submission";
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 0));
  ASSERT_TRUE(gate.signal(3));
  ASSERT_TRUE(second->wait(1, kPatience));
  EXPECT_EQ(first->value(), 1u);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5));
}

TEST_F(KernelDeviceOnOpenCl, AWaitThatFailsFailsWhatItHeldBackAndNothingElse) {
  auto buffer = buffer_of<int32_t>({5, 0});
  const auto list = copying(buffer);
  HostTimeline gate;
  auto failed = *device_->create_timeline();
  const TimelinePoint wait{&gate, 1}, done{failed.get(), 1};
  ASSERT_TRUE(device_->submit(*list, {&wait, 1}, {&done, 1}));
  gate.fail_with(Error(ErrorCode::kDeviceLost, "other device", "it went away"));
  EXPECT_THAT(failed->wait(1, kPatience).error().message(), HasSubstr("it went away"));
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 0));
  run(*list);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5));
}

TEST_F(KernelDeviceOnOpenCl, ClosingCancelsWhatStillWaitsAndFinishesWhatRuns) {
  auto buffer = buffer_of<int32_t>({5, 0});
  auto list = copying(buffer);
  HostTimeline gate;
  auto running = *device_->create_timeline(), waiting = *device_->create_timeline();
  const TimelinePoint wait{&gate, 1}, ran{running.get(), 1}, cancelled{waiting.get(), 1};
  ASSERT_TRUE(device_->submit(*list, {}, {&ran, 1}));
  auto other = copying(buffer);
  ASSERT_TRUE(device_->submit(*other, {&wait, 1}, {&cancelled, 1}));
  device_.reset();
  EXPECT_EQ(running->value(), 1u);
  EXPECT_EQ(waiting->wait(1, {}).error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5)) << "a buffer outlives its device";
}

TEST_F(KernelDeviceOnOpenCl, SubmitWantsAFinishedListOfItsOwnAndTimelines) {
  auto buffer = buffer_of<int32_t>({5, 0});
  auto list = *device_->create_list();
  EXPECT_EQ(device_->submit(*list, {}, {}).error().code(), ErrorCode::kInvalidArgument);
  ASSERT_TRUE(list->finish());
  EXPECT_EQ(open()->submit(*list, {}, {}).error().code(), ErrorCode::kInvalidArgument);
  const TimelinePoint none{};
  EXPECT_EQ(device_->submit(*list, {&none, 1}, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(device_->submit(*list, {}, {&none, 1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(device_->submit(*list, {}, {}));
}

TEST_F(KernelDeviceOnOpenCl, ASignalThatDoesNotGrowFailsItsTimeline) {
  const auto list = *device_->create_list();
  ASSERT_TRUE(list->finish());
  auto timeline = *device_->create_timeline();
  ASSERT_TRUE(timeline->signal(4));
  const TimelinePoint back{timeline.get(), 2};
  ASSERT_TRUE(device_->submit(*list, {}, {&back, 1}));
  EXPECT_EQ(timeline->wait(5, kPatience).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(KernelDeviceOnOpenCl, ThreadsMaySubmitAtOnce) {
  constexpr int kThreads = 4, kRounds = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto buffer = buffer_of<int32_t>({t, -1});
      const auto list = copying(buffer);
      auto timeline = *device_->create_timeline(), gate = *device_->create_timeline();
      for (uint64_t round = 1; round <= kRounds; ++round) {
        const TimelinePoint wait{gate.get(), round / 2}, done{timeline.get(), round};
        EXPECT_TRUE(device_->submit(*list, {&wait, 1}, {&done, 1}));
        if (round % 2 == 0) {
          EXPECT_TRUE(gate->signal(round / 2));
        }
        EXPECT_TRUE(timeline->wait(round, kPatience));
      }
      EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(t, t));
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace trireme::opencl
