#include "backends/vulkan/device.h"

#include <algorithm>

#include "backends/vulkan/structure.h"

#include "hal/format.h"

namespace trireme::vulkan {
namespace {

DeviceInfo info_of(const DeviceFacts& facts, const std::string& id) {
  DeviceInfo info;
  info.id = id;
  info.name = facts.name;
  info.driver = facts.driver();
  info.software = facts.software();
  info.numeric = {.fused_multiply_add = false, .accumulator_epsilon = 0x1p-24, .kv_format = &formats::f16()};
  return info;
}

}  // namespace

Result<std::shared_ptr<VulkanDevice>> VulkanDevice::open(std::shared_ptr<const Instance> instance,
                                                         const DeviceFacts& facts, std::string id) {
  if (const auto reason = facts.refusal())
    return fail(ErrorCode::kUnsupported, "device " + id, *reason, "use another device");
  auto connection = std::make_shared<Connection>(std::move(instance), facts, std::move(id));
  TRIREME_TRY(connection->open());
  std::shared_ptr<Staging> staging;
  if (facts.staged) {
    TRIREME_ASSIGN(staging, Staging::create(connection));
  }
  // make_shared cannot see the constructor.
  return std::shared_ptr<VulkanDevice>(new VulkanDevice(std::move(connection), std::move(staging)));
}

VulkanDevice::VulkanDevice(std::shared_ptr<Connection> connection, std::shared_ptr<Staging> staging)
    : connection_(std::move(connection)),
      staging_(std::move(staging)),
      info_(info_of(connection_->facts(), connection_->id())),
      target_(target_of(connection_->facts())),
      queue_(connection_) {
  if (target_.integer_dot) info_.features.push_back("integer_dot");
  if (target_.subgroup_size > 0) info_.features.push_back("subgroups of " + std::to_string(target_.subgroup_size));
}

std::vector<MemoryHeap> VulkanDevice::memory() const {
  const DeviceFacts& facts = connection_->facts();
  const uint32_t heap = facts.heap();
  MemoryHeap memory;
  memory.name = facts.staged ? "device" : "system";
  memory.total_bytes = facts.memory.memoryHeaps[heap].size;
  uint64_t used = connection_->allocated_bytes();
  if (facts.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) {
    auto budget = structure<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    auto properties =
        structure<VkPhysicalDeviceMemoryProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
    properties.pNext = &budget;
    connection_->functions().vkGetPhysicalDeviceMemoryProperties2(facts.device, &properties);
    const uint64_t most = std::min<uint64_t>(budget.heapBudget[heap], memory.total_bytes);
    used = std::max(used, memory.total_bytes - most + std::min<uint64_t>(budget.heapUsage[heap], most));
  }
  memory.free_bytes = memory.total_bytes - std::min(memory.total_bytes, used);
  return {memory};
}

Result<std::shared_ptr<Buffer>> VulkanDevice::allocate(uint64_t bytes) {
  return VulkanBuffer::allocate(connection_, staging_, bytes);
}

Result<std::shared_ptr<Buffer>> VulkanDevice::import_host(std::span<std::byte> memory) {
  return VulkanBuffer::import(connection_, memory);
}

Result<std::shared_ptr<Timeline>> VulkanDevice::create_timeline() { return VulkanTimeline::create(connection_); }

Status VulkanDevice::submit(KernelList& list, std::span<const TimelinePoint> waits,
                            std::span<const TimelinePoint> signals) {
  auto* recorded = dynamic_cast<VulkanKernelList*>(&list);
  if (!recorded || recorded->connection() != connection_.get() || !recorded->finished())
    return fail(ErrorCode::kInvalidArgument, "submit", "the list is not a finished one of this device");
  return queue_.submit(*recorded, waits, signals);
}

Result<std::vector<std::byte>> VulkanDevice::build_kernel(const KernelSource& source) {
  return VulkanKernel::build(connection_, source);
}

Result<std::shared_ptr<const Kernel>> VulkanDevice::load_kernel(const KernelSource& source,
                                                                std::span<const std::byte> built) {
  return VulkanKernel::load(connection_, source, built);
}

Result<std::unique_ptr<KernelList>> VulkanDevice::create_list() { return VulkanKernelList::create(connection_); }

}  // namespace trireme::vulkan
