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

TEST(OpenClC, RefusesWhatTheTargetDoesNotHave) {
  Target target = plain_target();
  target.max_group_size = 2;
  EXPECT_THAT(emit_opencl_c(kernel::test::row_sum(4), target).error().message(),
              testing::HasSubstr("needs 4 and there are 2"));
}

}  // namespace
}  // namespace trireme::compiler::test
