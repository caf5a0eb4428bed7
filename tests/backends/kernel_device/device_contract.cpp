// Buffers, kernels and submissions of any device of compiled kernels.
#include <cstdlib>
#include <thread>

#include "hal/host_timeline.h"
#include "tests/backends/kernel_device/contract.h"

namespace trireme::testing_support {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

}  // namespace

std::unique_ptr<KernelList> KernelDeviceContract::copying(const std::shared_ptr<Buffer>& buffer) {
  auto list = *device().create_list();
  EXPECT_TRUE(list->copy(whole(buffer).part(0, 4), whole(buffer).part(4, 4)));
  EXPECT_TRUE(list->finish());
  return list;
}

TEST_P(KernelDeviceContract, BuffersHoldWhatIsWrittenAndRefuseRangesThatLeaveThem) {
  auto buffer = buffer_of<int32_t>({1, 2, 3});
  EXPECT_EQ(buffer->size(), 12u);
  EXPECT_THAT(values_of<int32_t>(*buffer, 4, 2), ElementsAre(2, 3));
  std::vector<std::byte> data(8);
  EXPECT_EQ(buffer->write(5, data).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(buffer->read(UINT64_MAX, data).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(buffer->write(12, {}));
  EXPECT_EQ((*device().allocate(0))->size(), 0u);
}

TEST_P(KernelDeviceContract, CountsWhatItAllocatedAsNoLongerFree) {
  ASSERT_EQ(device().memory().size(), 1u);
  const MemoryHeap before = device().memory()[0];
  EXPECT_EQ(before.free_bytes, before.total_bytes);
  auto buffer = *device().allocate(1 << 20);
  EXPECT_EQ(device().memory()[0].free_bytes, before.free_bytes - (1 << 20));
  buffer.reset();
  EXPECT_EQ(device().memory()[0].free_bytes, before.free_bytes);
  EXPECT_FALSE(device().allocate(UINT64_MAX));
  EXPECT_EQ(device().memory()[0].free_bytes, before.free_bytes);
}

TEST_P(KernelDeviceContract, UsesAlignedHostMemoryInPlaceAndRefusesOther) {
  constexpr size_t kBytes = 8192;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  const std::unique_ptr<void, Free> memory(std::aligned_alloc(4096, kBytes));
  const std::span<std::byte> bytes(static_cast<std::byte*>(memory.get()), kBytes);
  std::fill(bytes.begin(), bytes.end(), std::byte{7});
  const auto buffer = device().import_host(bytes);
  ASSERT_TRUE(buffer) << buffer.error().message();
  EXPECT_EQ((*buffer)->size(), kBytes);
  EXPECT_THAT(values_of<uint8_t>(**buffer, 0, kBytes), Each(7));
  EXPECT_EQ(device().memory()[0].free_bytes, device().memory()[0].total_bytes);
  EXPECT_EQ(device().import_host(bytes.subspan(64)).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(device().import_host({}).error().code(), ErrorCode::kUnsupported);
}

TEST_P(KernelDeviceContract, AKernelDescribesItselfWithoutItsCode) {
  const auto kernel = rig_->load(rig_->scale());
  EXPECT_EQ(kernel->source().entry, "scale");
  EXPECT_EQ(kernel->source().group_size, 64u);
  EXPECT_EQ(kernel->source().buffers, 1u);
  EXPECT_EQ(kernel->source().launch_words, 2u);
  EXPECT_TRUE(kernel->source().code.empty());
}

TEST_P(KernelDeviceContract, AnUnmetWaitHoldsAListBackAndNotItsCaller) {
  auto buffer = buffer_of<int32_t>({5, 0});
  const auto list = copying(buffer), empty = *device().create_list();
  ASSERT_TRUE(empty->finish());
  HostTimeline gate;
  auto first = *device().create_timeline(), second = *device().create_timeline();
  const TimelinePoint wait{&gate, 3}, done{first.get(), 1}, after{second.get(), 1};
  ASSERT_TRUE(device().submit(*list, {&wait, 1}, {&done, 1}));
  ASSERT_TRUE(device().submit(*empty, {}, {&after, 1}));
  EXPECT_EQ(second->wait(1, std::chrono::milliseconds(20)).error().code(), ErrorCode::kTimeout)
      << "lists run in the order of submission";
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 0));
  ASSERT_TRUE(gate.signal(3));
  ASSERT_TRUE(second->wait(1, kPatience));
  EXPECT_EQ(first->value(), 1u);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5));
}

TEST_P(KernelDeviceContract, AWaitThatFailsFailsWhatItHeldBackAndNothingElse) {
  auto buffer = buffer_of<int32_t>({5, 0});
  const auto list = copying(buffer);
  HostTimeline gate;
  auto failed = *device().create_timeline();
  const TimelinePoint wait{&gate, 1}, done{failed.get(), 1};
  ASSERT_TRUE(device().submit(*list, {&wait, 1}, {&done, 1}));
  gate.fail_with(Error(ErrorCode::kDeviceLost, "other device", "it went away"));
  EXPECT_THAT(failed->wait(1, kPatience).error().message(), HasSubstr("it went away"));
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 0));
  rig_->run(*list);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5));
}

TEST_P(KernelDeviceContract, ClosingCancelsWhatStillWaitsAndFinishesWhatRuns) {
  auto buffer = buffer_of<int32_t>({5, 0});
  auto list = copying(buffer);
  HostTimeline gate;
  auto running = *device().create_timeline(), waiting = *device().create_timeline();
  const TimelinePoint wait{&gate, 1}, ran{running.get(), 1}, cancelled{waiting.get(), 1};
  ASSERT_TRUE(device().submit(*list, {}, {&ran, 1}));
  auto other = copying(buffer);
  ASSERT_TRUE(device().submit(*other, {&wait, 1}, {&cancelled, 1}));
  rig_->device_.reset();
  EXPECT_EQ(running->value(), 1u);
  EXPECT_EQ(waiting->wait(1, {}).error().code(), ErrorCode::kCancelled);
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5)) << "a buffer outlives its device";
}

TEST_P(KernelDeviceContract, SubmitWantsAFinishedListOfItsOwnAndTimelines) {
  auto buffer = buffer_of<int32_t>({5, 0});
  auto list = *device().create_list();
  EXPECT_EQ(device().submit(*list, {}, {}).error().code(), ErrorCode::kInvalidArgument);
  ASSERT_TRUE(list->finish());
  EXPECT_EQ(rig_->open()->submit(*list, {}, {}).error().code(), ErrorCode::kInvalidArgument);
  const TimelinePoint none{};
  EXPECT_EQ(device().submit(*list, {&none, 1}, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(device().submit(*list, {}, {&none, 1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(device().submit(*list, {}, {}));
}

TEST_P(KernelDeviceContract, ASignalThatDoesNotGrowFailsItsTimeline) {
  const auto list = *device().create_list();
  ASSERT_TRUE(list->finish());
  auto timeline = *device().create_timeline();
  ASSERT_TRUE(timeline->signal(4));
  const TimelinePoint back{timeline.get(), 2};
  ASSERT_TRUE(device().submit(*list, {}, {&back, 1}));
  EXPECT_EQ(timeline->wait(5, kPatience).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(KernelDeviceContract, TimelinesOfOthersAreSignalledWhenTheListIsOver) {
  auto buffer = buffer_of<int32_t>({5, 0});
  const auto list = copying(buffer);
  HostTimeline host;
  const auto neighbour = rig_->open();
  auto other = *neighbour->create_timeline(), own = *device().create_timeline();
  const TimelinePoint done[] = {{&host, 1}, {own.get(), 4}, {other.get(), 2}};
  ASSERT_TRUE(device().submit(*list, {}, done));
  for (const TimelinePoint& point : done) EXPECT_TRUE(point.timeline->wait(point.value, kPatience));
  EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(5, 5));
}

TEST_P(KernelDeviceContract, ATimelineIsSignalledByTheHostAndFails) {
  auto timeline = *device().create_timeline();
  EXPECT_EQ(timeline->value(), 0u);
  EXPECT_TRUE(timeline->wait(0, {}));
  EXPECT_EQ(timeline->wait(1, std::chrono::milliseconds(5)).error().code(), ErrorCode::kTimeout);
  EXPECT_TRUE(timeline->signal(3));
  EXPECT_EQ(timeline->value(), 3u);
  EXPECT_EQ(timeline->signal(3).error().code(), ErrorCode::kInvalidArgument);
  std::thread waiter([&] {
    EXPECT_THAT(timeline->wait(4, std::chrono::nanoseconds::max()).error().message(), HasSubstr("it went away"));
  });
  timeline->fail_with(Error(ErrorCode::kDeviceLost, "other device", "it went away"));
  timeline->fail_with(Error(ErrorCode::kIo, "later", "no matter"));
  waiter.join();
  EXPECT_TRUE(timeline->wait(3, {}));
  EXPECT_EQ(timeline->signal(5).error().code(), ErrorCode::kDeviceLost);
}

TEST_P(KernelThreadsContract, ThreadsMaySubmitAtOnce) {
  constexpr int kThreads = 4, kRounds = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto buffer = buffer_of<int32_t>({t, -1});
      const auto list = copying(buffer);
      auto timeline = *device().create_timeline(), gate = *device().create_timeline();
      for (uint64_t round = 1; round <= kRounds; ++round) {
        const TimelinePoint wait{gate.get(), round / 2}, done{timeline.get(), round};
        EXPECT_TRUE(device().submit(*list, {&wait, 1}, {&done, 1}));
        if (round % 2 == 0) {
          EXPECT_TRUE(gate->signal(round / 2));
        }
        EXPECT_TRUE(timeline->wait(round, kPatience));
      }
      EXPECT_THAT(values_of<int32_t>(*buffer, 0, 2), ElementsAre(t, t));
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace trireme::testing_support
