#include "hal/host_queue.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <atomic>

#include "hal/host_timeline.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
constexpr std::chrono::seconds kPatience{20};

TEST(HostQueue, RunsWorkWhoseWaitsAreMetOnTheCallingThread) {
  HostTimeline done;
  HostQueue queue;
  std::thread::id ran_on;
  const TimelinePoint signal{&done, 1};
  ASSERT_TRUE(queue.submit(
      [&] {
        ran_on = std::this_thread::get_id();
        return Status();
      },
      {}, {&signal, 1}));
  EXPECT_EQ(done.value(), 1u) << "it is over when submit returns";
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(HostQueue, RefusesANullTimeline) {
  HostQueue queue;
  bool ran = false;
  const TimelinePoint none{};
  const auto work = [&] {
    ran = true;
    return Status();
  };
  EXPECT_EQ(queue.submit(work, {&none, 1}, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(queue.submit(work, {}, {&none, 1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(ran);
}

TEST(HostQueue, KeepsTheOrderOfSubmissionBehindAnUnmetWait) {
  HostTimeline gate, done;
  std::vector<int> order;
  HostQueue queue;
  const TimelinePoint wait{&gate, 1}, last{&done, 1};
  ASSERT_TRUE(queue.submit(
      [&] {
        order.push_back(1);
        return Status();
      },
      {&wait, 1}, {}));
  ASSERT_TRUE(queue.submit(
      [&] {
        order.push_back(2);
        return Status();
      },
      {}, {}));
  ASSERT_TRUE(queue.submit(
      [&] {
        order.push_back(3);
        return Status();
      },
      {}, {&last, 1}));
  EXPECT_EQ(done.wait(1, std::chrono::milliseconds(5)).error().code(), ErrorCode::kTimeout);
  ASSERT_TRUE(gate.signal(1));
  ASSERT_TRUE(done.wait(1, kPatience));
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(HostQueue, FailuresReachTheSignalsAndWhoWaitsForThem) {
  HostTimeline first, second, third;
  HostQueue queue;
  bool ran = false;
  const TimelinePoint a{&first, 1}, b{&second, 1}, c{&third, 1};
  ASSERT_TRUE(queue.submit([] { return Status(fail(ErrorCode::kDeviceLost, "op", "it broke")); }, {}, {&a, 1}));
  EXPECT_EQ(first.wait(1, kPatience).error().why(), "it broke");
  ASSERT_TRUE(queue.submit(
      [&] {
        ran = true;
        return Status();
      },
      {&a, 1}, {&b, 1}));
  EXPECT_EQ(second.wait(1, kPatience).error().why(), "it broke");
  EXPECT_FALSE(ran) << "what waits for failed work does not run";
  ASSERT_TRUE(queue.submit([] { return Status(); }, {}, {&c, 1}));
  EXPECT_TRUE(third.wait(1, kPatience)) << "what does not depend on it does";
}

TEST(HostQueue, ASignalThatDoesNotGrowFailsItsTimeline) {
  HostTimeline done;
  HostQueue queue;
  ASSERT_TRUE(done.signal(2));
  const TimelinePoint back{&done, 2};
  ASSERT_TRUE(queue.submit([] { return Status(); }, {}, {&back, 1}));
  EXPECT_EQ(done.wait(3, kPatience).error().code(), ErrorCode::kInvalidArgument);
}

TEST(HostQueue, FinishesWhatCanRunWhenItEnds) {
  HostTimeline gate, done;
  std::atomic<int> ran = 0;
  {
    HostQueue queue;
    const TimelinePoint wait{&gate, 1};
    for (uint64_t i = 1; i <= 5; ++i) {
      const TimelinePoint signal{&done, i};
      ASSERT_TRUE(queue.submit(
          [&] {
            ++ran;
            return Status();
          },
          {&wait, 1}, {&signal, 1}));
    }
    ASSERT_TRUE(gate.signal(1));
  }
  EXPECT_EQ(ran, 5);
  EXPECT_EQ(done.value(), 5u);
}

TEST(HostQueue, CancelsWhatCanNotRunWhenItEnds) {
  HostTimeline never, done;
  bool ran = false;
  {
    HostQueue queue;
    const TimelinePoint wait{&never, 1}, signal{&done, 1};
    ASSERT_TRUE(queue.submit(
        [&] {
          ran = true;
          return Status();
        },
        {&wait, 1}, {&signal, 1}));
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(done.wait(1, kPatience).error().code(), ErrorCode::kCancelled);
}

// Several queues, each with submissions that wait for earlier ones of any queue: every wait is met before its work
// runs, work of one queue never overlaps and keeps its order, and everything ends.
TEST(HostQueue, RunsAnyGraphOfWaitsInOrder) {
  EXPECT_TRUE(rc::check("graph", [] {
    constexpr size_t kQueues = 3;
    struct Task {
      size_t queue;
      std::vector<size_t> waits;  // earlier tasks
    };
    const auto picks = *rc::gen::container<std::vector<std::tuple<unsigned, unsigned, unsigned>>>(
        rc::gen::arbitrary<std::tuple<unsigned, unsigned, unsigned>>());
    std::vector<Task> tasks;
    for (const auto& [queue, a, b] : picks) {
      const size_t i = tasks.size();
      tasks.push_back({queue % kQueues, i ? std::vector<size_t>{a % i, b % i} : std::vector<size_t>{}});
    }
    std::vector<HostTimeline> timelines(kQueues);
    HostTimeline gate;
    std::vector<uint64_t> value_of;
    std::array<std::atomic<int>, kQueues> running{};
    std::array<std::vector<size_t>, kQueues> order;  // written by one queue each
    std::atomic<int> broken_rules = 0;
    {
      std::array<HostQueue, kQueues> queues;
      std::array<uint64_t, kQueues> next{};
      for (size_t i = 0; i < tasks.size(); ++i) {
        const Task& task = tasks[i];
        value_of.push_back(++next[task.queue]);
        std::vector<TimelinePoint> waits = {{&gate, i % 4 == 0 ? 1u : 0u}};
        for (const size_t wait : task.waits) waits.push_back({&timelines[tasks[wait].queue], value_of[wait]});
        const TimelinePoint signal{&timelines[task.queue], value_of[i]};
        const auto work = [&, i, waits, queue = task.queue] {
          if (++running[queue] != 1) ++broken_rules;
          for (const TimelinePoint& wait : waits)
            if (wait.timeline->value() < wait.value) ++broken_rules;
          order[queue].push_back(i);
          --running[queue];
          return Status();
        };
        RC_ASSERT(queues[task.queue].submit(work, waits, {&signal, 1}).has_value());
      }
      RC_ASSERT(gate.signal(1).has_value());
      for (size_t q = 0; q < kQueues; ++q) RC_ASSERT(timelines[q].wait(next[q], kPatience).has_value());
    }
    RC_ASSERT(broken_rules == 0);
    size_t ran = 0;
    for (const auto& tasks_of_queue : order) {
      RC_ASSERT(std::is_sorted(tasks_of_queue.begin(), tasks_of_queue.end()));
      ran += tasks_of_queue.size();
    }
    RC_ASSERT(ran == tasks.size());
  }));
}

// Threads that submit to one queue at once: nothing is lost, nothing overlaps, each thread's own order is kept.
TEST(HostQueue, TakesSubmissionsFromManyThreads) {
  constexpr int kThreads = 4, kEach = 200;
  HostTimeline gate;
  std::vector<HostTimeline> done(kThreads);
  std::vector<std::pair<int, int>> order;  // only touched by work, which never overlaps
  {
    HostQueue queue;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const TimelinePoint wait{&gate, i % 7 == t ? 1u : 0u}, signal{&done[size_t(t)], uint64_t(i + 1)};
          EXPECT_TRUE(queue.submit(
              [&order, t, i] {
                order.emplace_back(t, i);
                return Status();
              },
              {&wait, 1}, {&signal, 1}));
        }
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_TRUE(gate.signal(1));
    for (std::thread& thread : threads) thread.join();
    for (HostTimeline& timeline : done) ASSERT_TRUE(timeline.wait(kEach, kPatience));
  }
  ASSERT_EQ(order.size(), size_t(kThreads * kEach));
  std::array<int, kThreads> next{};
  for (const auto& [thread, i] : order) EXPECT_EQ(i, next[size_t(thread)]++);
}

}  // namespace
}  // namespace trireme
