// The OpenCL C that kernels become reads like a person's.
#include "compiler/emit/opencl_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/simplify.h"
#include "tests/compiler/golden.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::compiler::test {
namespace {

using namespace kernel;

Target plain_target() {
  Target target;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  return target;
}

TEST(OpenClC, ReadsLikeAPersons) {
  const auto source = emit_opencl_c(*simplify(kernel::test::row_sum(4)), plain_target());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->entry, "row_sum");
  EXPECT_EQ(source->group_size, 4u);
  EXPECT_EQ(source->buffers, 2u);
  EXPECT_EQ(source->launch_words, 1u);
  expect_golden("row_sum.cl", source->code);
}

TEST(OpenClC, ALoopsEndKeepsItsParentheses) {
  Builder b("ends", 4);
  const uint32_t y = b.buffer("y", Access::kWrite);
  const Term end = select(b.group_id(0) < 3u, b.u32(8), b.u32(0));
  b.loop(b.u32(0), end, b.u32(1), [&](Term i) { b.store(y, i, i); });
  const auto source = emit_opencl_c(*b.finish(), plain_target());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_THAT(source->code, testing::HasSubstr("i < ("));
}

TEST(OpenClC, ANegatedNegativeNumberIsNoDecrement) {
  Builder b("negated", 4);
  const uint32_t y = b.buffer("y", Access::kWrite);
  b.store(y, b.local_id(), -b.f32(-1.5f));
  const auto source = emit_opencl_c(*b.finish(), plain_target());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_THAT(source->code, testing::Not(testing::HasSubstr("--")));
}

TEST(OpenClC, RefusesWhatTheTargetDoesNotHave) {
  Target target = plain_target();
  target.max_group_size = 2;
  EXPECT_THAT(emit_opencl_c(kernel::test::row_sum(4), target).error().message(),
              testing::HasSubstr("needs 4 and there are 2"));
}

}  // namespace
}  // namespace trireme::compiler::test
