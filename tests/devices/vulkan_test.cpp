// Every op and format on vulkan:0, with all that it has and with features masked off.
#include "tests/devices/masks.h"

namespace trireme::devices_test {
namespace {

const char* const kVulkan = "vulkan:0";

TRIREME_CONFORMANCE(Vulkan, 2, open(kVulkan, whole));
TRIREME_CONFORMANCE(VulkanAsAGpu, 1, open(kVulkan, as_a_gpu));
TRIREME_CONFORMANCE(VulkanOfSmallGroups, 1, open(kVulkan, small_groups));
TRIREME_CONFORMANCE(VulkanWithoutSmallStores, 1, open(kVulkan, no_small_stores), may_refuse);
TRIREME_CONFORMANCE(VulkanOfSmallBuffers, 1, open(kVulkan, small_buffers), may_refuse);
TRIREME_CONFORMANCE(LeastVulkan, 1, open(kVulkan, least), may_refuse);
TRIREME_LONG_CONFORMANCE(WholeVulkanAsAGpu, 2, open(kVulkan, as_a_gpu));
TRIREME_LONG_CONFORMANCE(WholeVulkanOfSmallGroups, 2, open(kVulkan, small_groups));
TRIREME_LONG_CONFORMANCE(WholeVulkanWithoutSmallStores, 2, open(kVulkan, no_small_stores), may_refuse);
TRIREME_LONG_CONFORMANCE(WholeVulkanOfSmallBuffers, 2, open(kVulkan, small_buffers), may_refuse);
TRIREME_LONG_CONFORMANCE(WholeLeastVulkan, 2, open(kVulkan, least), may_refuse);

}  // namespace
}  // namespace trireme::devices_test
