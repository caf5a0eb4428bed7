// A merged kernel does what its parts do.
#include "compiler/kernel/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/interpreter.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::kernel::test {
namespace {

using testing::HasSubstr;

// y[group, axis 1] = group + 100 * axis 1 + factor, of so many groups, through a shared number.
Function numbers(uint32_t group_size) {
  Builder b("numbers", group_size);
  const uint32_t y = b.buffer("y", Access::kWrite);
  const uint32_t kept = b.shared("kept", kU32, 1);
  const Term width = b.launch("width", kU32), factor = b.launch("factor", kU32);
  const Term value = b.group_id(0) + b.group_id(1) * 100u + factor;
  b.when(b.local_id() == 0u, [&] { b.store_shared(kept, b.u32(0), value); });
  b.barrier();
  b.when(b.local_id() == 1u, [&] { b.store(y, b.group_id(1) * width + b.group_id(0), b.load_shared(kept, b.u32(0))); });
  return *b.finish();
}

TEST(Merge, KeepsTheMatrixTileAndTakesNoOther) {
  const Function product = tile_product(trireme::test::tile_of_32_items());
  const auto merged = merge(std::vector<MergedPart>{{&product, 1, {0, 1, 2, 3}}, {&product, 1, {0, 1, 2, 4}}});
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->matrix, product.matrix);
  Function other = product;
  other.matrix->result.row = {{true, 1, 8, 1}, {false, 16, 2, 8}};
  const auto refused = merge(std::vector<MergedPart>{{&product, 1, {0, 1, 2, 3}}, {&other, 1, {0, 1, 2, 4}}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("another matrix tile"));
}

TEST(Merge, GroupsAreDealtToThePartsInTheirOrder) {
  const Function rows = row_sum(4), counted = numbers(4);
  const std::vector<MergedPart> parts = {{&rows, 3, {0, 1}}, {&counted, 5, {2}}, {&rows, 2, {0, 3}}};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged) << merged.error().message();
  std::vector<float> x(3 * 7), first(3, -1), last(2, -1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = float(i % 11) - 3;
  std::vector<uint32_t> middle(5, 0);
  const Status status = interpret(
      *merged,
      {{10, 1, 1}, {bound(x), bound(first, false), bound(middle, false), bound(last, false)}, {7, 5, 1000, 3}});
  ASSERT_TRUE(status) << status.error().message();
  for (const auto& [columns, sums] : {std::pair{size_t{7}, first}, std::pair{size_t{3}, last}})
    for (size_t row = 0; row < sums.size(); ++row) {
      float sum = 0;
      for (size_t i = 0; i < columns; ++i) sum += x[row * columns + i];
      EXPECT_EQ(sums[row], sum);
    }
  EXPECT_THAT(middle, testing::ElementsAre(1000, 1001, 1002, 1003, 1004));
}

TEST(Merge, TheOtherAxesAreThoseOfEachPart) {
  const Function counted = numbers(2);
  const std::vector<MergedPart> parts = {{&counted, 2, {0}}, {&counted, 1, {1}}};
  const auto merged = merge(parts);
  ASSERT_TRUE(merged) << merged.error().message();
  std::vector<uint32_t> first(4, 0), second(2, 0);
  ASSERT_TRUE(interpret(*merged, {{3, 2, 1}, {bound(first, false), bound(second, false)}, {2, 0, 1, 7}}));
  EXPECT_THAT(first, testing::ElementsAre(0, 1, 100, 101));
  EXPECT_THAT(second, testing::ElementsAre(7, 107));
}

TEST(Merge, PartsShareTheMemoryOfTheirGroups) {
  const Function rows = row_sum(4), counted = numbers(4);
  const auto merged = merge(std::vector<MergedPart>{{&rows, 3, {0, 1}}, {&rows, 2, {0, 2}}, {&counted, 1, {3}}});
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->shared_bytes(), rows.shared_bytes() + counted.shared_bytes());
}

TEST(Merge, RefusesGroupsOfAnotherSize) {
  const Function four = row_sum(4), eight = row_sum(8);
  const auto merged = merge(std::vector<MergedPart>{{&four, 3, {0, 1}}, {&eight, 2, {0, 2}}});
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message(), HasSubstr("groups of another size"));
}

}  // namespace
}  // namespace trireme::kernel::test
