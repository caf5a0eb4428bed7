// Every op and format on vulkan:0, with all that it has and with features masked off.
#include "tests/devices/masks.h"

namespace trireme::devices_test {
namespace {

const char* const kVulkan = "vulkan:0";

TRIREME_CONFORMANCE(Vulkan, 2, open(kVulkan, whole));
TRIREME_CONFORMANCE(VulkanAsAGpu, 1, open(kVulkan, as_a_gpu));
TRIREME_CONFORMANCE(VulkanOfSmallGroups, 0, open(kVulkan, small_groups));
TRIREME_CONFORMANCE(VulkanWithoutSubgroups, 0, open(kVulkan, no_subgroups));
TRIREME_CONFORMANCE(VulkanWithoutTexels, 0, open(kVulkan, no_texels));
TRIREME_CONFORMANCE(VulkanWithoutSmallStores, 1, open(kVulkan, no_small_stores), may_refuse);
TRIREME_CONFORMANCE(VulkanOfSmallBuffers, 1, open(kVulkan, small_buffers), may_refuse);
TRIREME_CONFORMANCE(LeastVulkan, 0, open(kVulkan, least), may_refuse);

// More groups than an axis may have.
class VulkanOfManyGroups : public conformance::Conformance {};
TEST_P(VulkanOfManyGroups, AgreesWithTheReference) { run(GetParam(), open(kVulkan, whole)); }
INSTANTIATE_TEST_SUITE_P(All, VulkanOfManyGroups,
                         testing::ValuesIn(groups_of(4, {"scale " + Shape{70003, 61}.text(), "argmax 70003",
                                                         "rms_norm " + Shape{70003, 4}.text()})),
                         conformance::group_name);

// Experts in every format.
class VulkanExperts : public conformance::Conformance {};
TEST_P(VulkanExperts, AgreeWithTheReference) { run(GetParam(), open(kVulkan, whole)); }
INSTANTIATE_TEST_SUITE_P(DISABLED_All, VulkanExperts, testing::ValuesIn(groups_of(3, {"grouped_matmul "})),
                         conformance::group_name);

TRIREME_LONG_CONFORMANCE(WholeVulkanAsAGpu, 2, open(kVulkan, as_a_gpu));
TRIREME_LONG_CONFORMANCE(WholeVulkanOfSmallGroups, 2, open(kVulkan, small_groups));
TRIREME_LONG_CONFORMANCE(WholeVulkanWithoutSubgroups, 2, open(kVulkan, no_subgroups));
TRIREME_LONG_CONFORMANCE(WholeVulkanWithoutTexels, 2, open(kVulkan, no_texels));
TRIREME_LONG_CONFORMANCE(WholeVulkanWithoutSmallStores, 2, open(kVulkan, no_small_stores), may_refuse);
TRIREME_LONG_CONFORMANCE(WholeVulkanOfSmallBuffers, 2, open(kVulkan, small_buffers), may_refuse);
TRIREME_LONG_CONFORMANCE(WholeLeastVulkan, 2, open(kVulkan, least), may_refuse);

}  // namespace
}  // namespace trireme::devices_test
