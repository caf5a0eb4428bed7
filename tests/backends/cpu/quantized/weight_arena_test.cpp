#include "backends/cpu/quantized/weight_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace trireme::cpu::quantized {
namespace {

TEST(WeightArena, GivesDisjointAlignedMemoryThatOutlivesIt) {
  std::vector<std::pair<std::shared_ptr<std::byte[]>, size_t>> blocks;
  {
    WeightArena arena;
    for (const size_t bytes :
         {size_t(1), size_t(100), size_t(64), size_t(3) << 20, size_t(1) << 20, size_t(70) << 20, size_t(65)}) {
      auto memory = arena.allocate(bytes);
      ASSERT_TRUE(memory);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->get()) % 64, 0u);
      std::memset(memory->get(), int(blocks.size()), bytes);
      blocks.emplace_back(*memory, bytes);
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto& [memory, bytes] = blocks[i];
    for (const size_t at : {size_t(0), bytes / 2, bytes - 1}) ASSERT_EQ(size_t(memory[std::ptrdiff_t(at)]), i);
  }
}

TEST(WeightArena, PutsSmallWeightsSideBySide) {
  WeightArena arena;
  const auto first = arena.allocate(1000), second = arena.allocate(1000);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->get() - first->get(), 1024);
}

TEST(WeightArena, RefusesWhatNoMachineHas) {
  WeightArena arena;
  for (const size_t bytes : {SIZE_MAX, SIZE_MAX / 2, size_t(1) << 47}) {
    const auto memory = arena.allocate(bytes);
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().code(), ErrorCode::kOutOfMemory);
  }
  EXPECT_TRUE(arena.allocate(64));
}

}  // namespace
}  // namespace trireme::cpu::quantized
