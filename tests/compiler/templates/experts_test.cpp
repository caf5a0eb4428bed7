// Products with experts have the bits of a matmul by each expert alone, whether their rows begin with a tile or not,
// and whether slots are brought together or not.
#include <gtest/gtest.h>

#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/experts.h"

namespace trireme::compiler::test {
namespace {

using conformance::ExpertSizes;

void expect_the_same_bits(Device& device) {
  for (const char* format : {"Q4_0", "Q4_1", "Q6_K"})
    for (const ExpertSizes& sizes : {ExpertSizes{1, 3, 5, 64, 256}, ExpertSizes{2, 2, 9, 33, 256},
                                     ExpertSizes{9, 2, 3, 40, 256}, ExpertSizes{11, 3, 4, 50, 256, 2}}) {
      const auto test = conformance::experts_case(*find_format(format), ActScheme::kQ8, sizes);
      ASSERT_TRUE(test) << test.error().message();
      const auto alone = conformance::by_single_experts(device, *test);
      const auto together = conformance::execute(device, *test);
      ASSERT_TRUE(alone) << alone.error().message();
      ASSERT_TRUE(together) << together.error().message();
      EXPECT_TRUE(*alone == together->at(0)) << test->op.text();
    }
}

TEST(Experts, HaveTheBitsOfEachAloneOnAGpu) { expect_the_same_bits(**open_interpreter()); }
TEST(Experts, HaveTheBitsOfEachAloneWithVectors) { expect_the_same_bits(**open_vector_interpreter(8)); }
TEST(Experts, HaveTheBitsOfEachAloneOnAnEmulatedGpu) {
  Target target;
  target.software = true;
  expect_the_same_bits(**open_interpreter(target));
}

}  // namespace
}  // namespace trireme::compiler::test
