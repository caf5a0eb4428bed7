// Numbers that kernels compute on a Vulkan device.
#include "tests/backends/kernel_numbers.h"
#include "tests/backends/vulkan/kernel_fixture.h"

namespace trireme::vulkan {
namespace {

class NumbersOnVulkan : public VulkanTest {
 protected:
  testing_support::KernelNumbers numbers() {
    return {*device_, [&](const kernel::Function& function) { return Result<KernelSource>(emitted(function)); }};
  }
};

TEST_F(NumbersOnVulkan, HalvesConvertExactlyAndRoundToEvenAlsoInVectors) {
  for (const int lanes : {1, 4}) numbers().expect_exact_halves(lanes);
}

TEST_F(NumbersOnVulkan, ExactOpsGiveTheInterpretersBits) {
  for (const int lanes : {1, 2, 4}) numbers().expect_exact_ops(lanes);
}

TEST_F(NumbersOnVulkan, DotProductsOfBytesAreExact) {
  for (const int lanes : {1, 2, 4}) numbers().expect_exact_dot_products(lanes);
}

TEST_F(NumbersOnVulkan, VectorsOfBoolGiveTheInterpretersBits) {
  for (const int lanes : {1, 2, 4}) numbers().expect_exact_masks(lanes);
}

TEST_F(NumbersOnVulkan, MemoryHoldsWhatWasStoredLastWhateverItsType) { numbers().expect_punned_memory(); }

TEST_F(NumbersOnVulkan, IntegersWrapAround) { numbers().expect_wrapped_integers(); }

}  // namespace
}  // namespace trireme::vulkan
