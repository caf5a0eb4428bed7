#include "compiler/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace trireme::compiler {
namespace {

TEST(MemoryPlan, ReusesTheMemoryOfWhatIsOver) {
  const std::vector<Lifetime> lifetimes = {{1000, 0, 1}, {1000, 2, 3}, {1000, 1, 2}};
  const MemoryPlan plan = plan_memory(lifetimes);
  EXPECT_EQ(plan.offsets[0], plan.offsets[1]);
  EXPECT_NE(plan.offsets[0], plan.offsets[2]);
  EXPECT_EQ(plan.peak_bytes, 2048u);
}

TEST(MemoryPlan, NothingAliveTogetherOverlapsAndThePeakIsReached) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes;
    uint64_t densest = 0;
    for (size_t i = 0; i < 1 + random() % 40; ++i) {
      const auto first = int64_t(random() % 20);
      lifetimes.push_back({random() % 5000, first, first + int64_t(random() % 6)});
    }
    const MemoryPlan plan = plan_memory(lifetimes);
    uint64_t end = 0;
    for (size_t a = 0; a < lifetimes.size(); ++a) {
      ASSERT_EQ(plan.offsets[a] % kOffsetAlignment, 0u);
      end = std::max(end, plan.offsets[a] + lifetimes[a].bytes);
      for (size_t b = a + 1; b < lifetimes.size(); ++b) {
        if (lifetimes[a].last < lifetimes[b].first || lifetimes[b].last < lifetimes[a].first) continue;
        ASSERT_TRUE(plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] ||
                    plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a]);
      }
    }
    for (int64_t level = 0; level < 26; ++level) {
      uint64_t alive = 0;
      for (const Lifetime& lifetime : lifetimes)
        if (lifetime.first <= level && level <= lifetime.last) alive += lifetime.bytes;
      densest = std::max(densest, alive);
    }
    EXPECT_GE(plan.peak_bytes, densest);
    EXPECT_EQ(plan.peak_bytes, align_offset(end));
  }
}

}  // namespace
}  // namespace trireme::compiler
