#include "backends/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace trireme::cpu {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsEachChunkExactlyOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> seen(static_cast<size_t>(chunks));
    pool.run(chunks, [&](int64_t chunk, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, GetParam());
      seen[size_t(chunk)].fetch_add(1);
    });
    for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
  }
}

// Plain memory that one region writes and the next one reads: a data race here is the sanitizer's to find.
TEST_P(ThreadPoolTest, WritesOfARegionAreVisibleToTheNext) {
  ThreadPool pool(GetParam());
  ThreadPool::Burst burst(pool);
  std::vector<int64_t> values(37, 0), next(37, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.run(37, [&](int64_t i, int) { next[size_t(i)] = values[size_t((i + 1) % 37)] + 1; });
    values.swap(next);
  }
  for (int64_t value : values) EXPECT_EQ(value, 2000);
}

TEST_P(ThreadPoolTest, WorkersWakeFromSleep) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int64_t> sum{0};
    pool.run(100, [&](int64_t chunk, int) { sum += chunk; });
    EXPECT_EQ(sum.load(), 4950);
  }
}

TEST_P(ThreadPoolTest, RegionsOfSeveralCallersDoNotMix) {
  ThreadPool pool(GetParam());
  auto caller = [&](int64_t chunks) {
    for (int round = 0; round < 300; ++round) {
      std::vector<int> seen(static_cast<size_t>(chunks), 0);
      pool.run(chunks, [&](int64_t chunk, int) { ++seen[size_t(chunk)]; });
      ASSERT_EQ(std::accumulate(seen.begin(), seen.end(), int64_t{0}), chunks);
    }
  };
  std::thread first(caller, 13), second(caller, 29);
  first.join();
  second.join();
}

// A worker that holds a chunk far longer than the caller's own chunks is benched, and work goes on without it.
TEST_P(ThreadPoolTest, AStalledWorkerStepsAsideAndComesBack) {
  if (GetParam() < 2) GTEST_SKIP() << "needs a worker";
  ThreadPool pool(GetParam());
  ThreadPool::Burst burst(pool);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto until_worker_joins = [&](auto body) {
    std::atomic<bool> joined{false};
    while (!joined && std::chrono::steady_clock::now() < deadline)
      pool.run(64, [&](int64_t, int worker) {
        if (worker != 0) joined = true;
        body(worker);
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      });
    return joined.load();
  };
  // On a busy machine a region may last as long as the stall, so one may not be enough.
  while (pool.naps() == 0 && std::chrono::steady_clock::now() < deadline)
    until_worker_joins([&](int worker) {
      if (worker != 0) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    });
  EXPECT_GT(pool.naps(), 0u);
  EXPECT_TRUE(until_worker_joins([](int) {})) << "the worker never came back";
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 5));

TEST(UsableCores, IsAtLeastOneAndAtMostWhatTheMachineHas) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), int(std::max(1u, std::thread::hardware_concurrency())));
}

}  // namespace
}  // namespace trireme::cpu
