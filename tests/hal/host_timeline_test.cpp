#include "hal/host_timeline.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <atomic>
#include <thread>

#include "hal/timeline_points.h"

namespace trireme {
namespace {

using ::testing::HasSubstr;
constexpr std::chrono::nanoseconds kNow{0};
constexpr std::chrono::seconds kPatience{20};

Error broken(const std::string& why) { return Error(ErrorCode::kDeviceLost, "device", why); }

// Any sequence of signals and failures behaves as a counter that only grows until its first error.
TEST(HostTimeline, IsACounterThatOnlyGrows) {
  EXPECT_TRUE(rc::check("model", [] {
    HostTimeline timeline;
    uint64_t value = 0;
    bool failed = false;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40));
    for (const int step : steps) {
      if (step == 0) {
        timeline.fail_with(broken(failed ? "later" : "first"));
        failed = true;
      } else {
        const bool grows = !failed && uint64_t(step) > value;
        RC_ASSERT(timeline.signal(uint64_t(step)).has_value() == grows);
        if (grows) value = uint64_t(step);
      }
      RC_ASSERT(timeline.value() == value);
      RC_ASSERT(timeline.wait(value, kNow).has_value());
      const Status beyond = timeline.wait(value + 1, kNow);
      RC_ASSERT(!beyond);
      RC_ASSERT(beyond.error().code() == (failed ? ErrorCode::kDeviceLost : ErrorCode::kTimeout));
      if (failed) RC_ASSERT(beyond.error().why() == "first");
    }
  }));
}

TEST(HostTimeline, RefusesToGoBack) {
  HostTimeline timeline;
  ASSERT_TRUE(timeline.signal(5));
  EXPECT_EQ(timeline.signal(5).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(timeline.signal(4).error().message(), HasSubstr("it stands at 5"));
}

TEST(HostTimeline, WakesEveryWaiterWhoseValueIsReached) {
  constexpr uint64_t kWaiters = 8;
  HostTimeline timeline;
  std::atomic<uint64_t> woken = 0;
  std::vector<std::thread> threads;
  for (uint64_t i = 1; i <= kWaiters; ++i)
    threads.emplace_back([&, i] {
      if (timeline.wait(i, kPatience) && timeline.value() >= i) ++woken;
    });
  for (uint64_t i = 2; i <= kWaiters; i += 2) ASSERT_TRUE(timeline.signal(i));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken, kWaiters);
}

TEST(HostTimeline, AFailureWakesWaitersWithItsError) {
  HostTimeline timeline;
  Status status;
  std::thread waiter([&] { status = timeline.wait(1, kPatience); });
  timeline.fail_with(broken("it broke"));
  waiter.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().why(), "it broke");
}

TEST(HostTimeline, TheLongestTimeoutIsLong) {
  HostTimeline timeline;
  std::thread signaller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    (void)timeline.signal(1);
  });
  EXPECT_TRUE(timeline.wait(1, std::chrono::nanoseconds::max()));
  signaller.join();
}

// What a submission uses may be freed after it.
TEST(WaitToEnd, ReturnsOnlyWhenItIsOver) {
  HostTimeline timeline;
  EXPECT_EQ(timeline.signal(1).has_value(), true);
  EXPECT_TRUE(wait_to_end({&timeline, 1}, kNow));
  for (const bool fails : {false, true}) {
    std::thread late([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (fails)
        timeline.fail_with(broken("lost"));
      else
        EXPECT_TRUE(timeline.signal(2));
    });
    const Status over = wait_to_end({&timeline, uint64_t(fails ? 3 : 2)}, std::chrono::milliseconds(1));
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code(), fails ? ErrorCode::kDeviceLost : ErrorCode::kTimeout);
    EXPECT_EQ(timeline.value(), 2u);
    late.join();
  }
}

}  // namespace
}  // namespace trireme
