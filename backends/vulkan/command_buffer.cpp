#include "backends/vulkan/command_buffer.h"

#include "backends/vulkan/structure.h"

namespace trireme::vulkan {
namespace {

constexpr VkPipelineStageFlags kDeviceStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kDeviceWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kDeviceReads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

struct Scope {
  VkPipelineStageFlags stages = 0;
  VkAccessFlags access = 0;
};
constexpr Scope kDeviceScope{kDeviceStages, kDeviceReads | kDeviceWrites};
constexpr Scope kHostScope{VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT};

void order(const Connection& connection, VkCommandBuffer commands, const Scope& before, const Scope& after) {
  auto memory = structure<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
  memory.srcAccessMask = before.access & (kDeviceWrites | VK_ACCESS_HOST_WRITE_BIT);
  memory.dstAccessMask = after.access;
  connection.functions().vkCmdPipelineBarrier(commands, before.stages, after.stages, 0, 1, &memory, 0, nullptr, 0,
                                              nullptr);
}

}  // namespace

Status CommandBuffer::begin(const Connection& connection) {
  const Functions& functions = connection.functions();
  if (commands_ == VK_NULL_HANDLE) {
    auto info = structure<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    info.queueFamilyIndex = *connection.facts().queue_family;
    VkCommandPool pool = VK_NULL_HANDLE;
    TRIREME_TRY(connection.check(functions.vkCreateCommandPool(connection.device(), &info, nullptr, &pool),
                                 "vkCreateCommandPool", ErrorCode::kOutOfMemory));
    pool_ = connection.own(pool, functions.vkDestroyCommandPool);
    auto one = structure<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    one.commandPool = pool;
    one.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    one.commandBufferCount = 1;
    TRIREME_TRY(connection.check(functions.vkAllocateCommandBuffers(connection.device(), &one, &commands_),
                                 "vkAllocateCommandBuffers", ErrorCode::kOutOfMemory));
  }
  auto info = structure<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  TRIREME_TRY(connection.check(functions.vkBeginCommandBuffer(commands_, &info), "vkBeginCommandBuffer"));
  // What the host wrote between the submission and a signal that it waits for is not covered by the submission itself.
  order(connection, commands_, {kDeviceScope.stages | kHostScope.stages, kDeviceScope.access | kHostScope.access},
        kDeviceScope);
  return {};
}

void CommandBuffer::barrier(const Connection& connection) { order(connection, commands_, kDeviceScope, kDeviceScope); }

Status CommandBuffer::end(const Connection& connection) {
  order(connection, commands_, kDeviceScope, kHostScope);
  return connection.check(connection.functions().vkEndCommandBuffer(commands_), "vkEndCommandBuffer");
}

}  // namespace trireme::vulkan
