#include "runtime/kv_blocks.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace trireme::runtime {
namespace {

KvBlocks small_pool() { return KvBlocks({.blocks = 8, .block_size = 4, .sequences = 3, .blocks_per_sequence = 6}); }

TEST(KvBlocks, OverflowOfTheContextChangesNothing) {
  KvBlocks blocks = small_pool();
  std::vector<BlockCopy> copies;
  const SequenceId sequence = *blocks.create();
  ASSERT_TRUE(blocks.append(sequence, 23, copies));
  const Status overflow = blocks.append(sequence, 2, copies);
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().code(), ErrorCode::kContextOverflow);
  EXPECT_EQ(*blocks.length(sequence), 23);
  EXPECT_TRUE(blocks.append(sequence, 1, copies));
}

TEST(KvBlocks, AnEmptyPoolIsOutOfMemory) {
  KvBlocks blocks = small_pool();
  std::vector<BlockCopy> copies;
  const SequenceId first = *blocks.create();
  const SequenceId second = *blocks.create();
  ASSERT_TRUE(blocks.append(first, 24, copies));
  EXPECT_EQ(blocks.append(second, 9, copies).error().code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(*blocks.length(second), 0);
  ASSERT_TRUE(blocks.append(second, 8, copies));
}

TEST(KvBlocks, AWriterOfASharedBlockGetsACopyAndTheOtherKeepsItsOwn) {
  KvBlocks blocks = small_pool();
  std::vector<BlockCopy> copies;
  const SequenceId original = *blocks.create();
  ASSERT_TRUE(blocks.append(original, 6, copies));
  const SequenceId fork = *blocks.fork(original, 6);
  EXPECT_EQ(blocks.free_blocks(), 6);
  EXPECT_EQ(blocks.slot(fork, 5), blocks.slot(original, 5));
  ASSERT_TRUE(blocks.append(fork, 1, copies));
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].from, blocks.blocks_of(original)[1]);
  EXPECT_EQ(copies[0].to, blocks.blocks_of(fork)[1]);
  EXPECT_EQ(blocks.slot(fork, 3), blocks.slot(original, 3));
  ASSERT_TRUE(blocks.append(original, 1, copies));
  EXPECT_EQ(copies.size(), 1u);
}

// Against a model that stores what each slot holds: after any sequence of verbs each sequence reads its own tokens.
TEST(KvBlocks, AnySequenceOfVerbsKeepsEverySequencesTokens) {
  std::mt19937 random(7);
  KvBlocks blocks({.blocks = 40, .block_size = 4, .sequences = 6, .blocks_per_sequence = 9});
  std::map<SequenceId, std::vector<int>> expected;
  std::vector<int> stored(40 * 4, -1);
  std::vector<BlockCopy> copies;
  copies.reserve(8);
  int next_token = 0;
  for (int round = 0; round < 20000; ++round) {
    const int verb = int(random() % 10);
    const auto pick = [&] { return std::next(expected.begin(), int(random() % expected.size()))->first; };
    if (expected.empty() || verb == 0) {
      if (auto created = blocks.create()) expected[*created] = {};
    } else if (verb == 1) {
      const SequenceId victim = pick();
      ASSERT_TRUE(blocks.remove(victim));
      expected.erase(victim);
    } else if (verb == 2) {
      const SequenceId sequence = pick();
      auto& tokens = expected[sequence];
      tokens.resize(random() % (tokens.size() + 1));
      ASSERT_TRUE(blocks.truncate(sequence, int64_t(tokens.size())));
    } else if (verb == 3) {
      const SequenceId source = pick();
      const size_t length = random() % (expected[source].size() + 1);
      if (auto fork = blocks.fork(source, int64_t(length)))
        expected[*fork] = {expected[source].begin(), expected[source].begin() + long(length)};
    } else {
      const SequenceId sequence = pick();
      const auto count = int64_t(random() % 7);
      copies.clear();
      if (!blocks.append(sequence, count, copies)) continue;
      for (const BlockCopy& copy : copies)
        for (int i = 0; i < 4; ++i) stored[size_t(copy.to * 4 + i)] = stored[size_t(copy.from * 4 + i)];
      for (int64_t i = 0; i < count; ++i) {
        auto& tokens = expected[sequence];
        stored[size_t(blocks.slot(sequence, int64_t(tokens.size())))] = next_token;
        tokens.push_back(next_token++);
      }
    }
    std::set<int32_t> used;
    for (const auto& [sequence, tokens] : expected) {
      ASSERT_EQ(*blocks.length(sequence), int64_t(tokens.size()));
      for (size_t i = 0; i < tokens.size(); ++i)
        ASSERT_EQ(stored[size_t(blocks.slot(sequence, int64_t(i)))], tokens[i]);
      used.insert(blocks.blocks_of(sequence).begin(), blocks.blocks_of(sequence).end());
    }
    ASSERT_EQ(int64_t(used.size()) + blocks.free_blocks(), 40);
  }
}

}  // namespace
}  // namespace trireme::runtime
