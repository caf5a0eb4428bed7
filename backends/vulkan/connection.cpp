#include "backends/vulkan/connection.h"

#include <algorithm>

#include "backends/vulkan/error.h"
#include "backends/vulkan/structure.h"

namespace trireme::vulkan {

Connection::Connection(std::shared_ptr<const Instance> instance, DeviceFacts facts, std::string id)
    : instance_(std::move(instance)), facts_(std::move(facts)), id_(std::move(id)) {}

Connection::~Connection() {
  if (device_ == VK_NULL_HANDLE) return;
  if (progress_.get() != VK_NULL_HANDLE) static_cast<void>(finish_all());
  progress_ = {};
  functions().vkDestroyDevice(device_, nullptr);
}

std::vector<const char*> Connection::wanted_extensions() const {
  std::vector<const char*> names;
  for (const char* name :
       {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, "VK_KHR_portability_subset"})
    if (facts_.has(name)) names.push_back(name);
  if (facts_.integer_dot) names.push_back(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  if (facts_.sized_subgroups) names.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  return names;
}

Status Connection::open() {
  const float priority = 1;
  auto queue = structure<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queue.queueFamilyIndex = *facts_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  auto features = structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
  features.features.shaderInt16 = facts_.small_stores;
  auto new_ones = structure<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  new_ones.storageBuffer16BitAccess = facts_.small_stores;
  auto newer = structure<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  newer.timelineSemaphore = VK_TRUE;
  newer.shaderInt8 = newer.storageBuffer8BitAccess = facts_.small_stores;
  auto dots = structure<VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR);
  dots.shaderIntegerDotProduct = VK_TRUE;
  auto control = structure<VkPhysicalDeviceSubgroupSizeControlFeaturesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT);
  control.subgroupSizeControl = control.computeFullSubgroups = VK_TRUE;
  chain(features, new_ones);
  chain(features, newer);
  if (facts_.integer_dot) chain(features, dots);
  if (facts_.sized_subgroups) chain(features, control);
  const std::vector<const char*> extensions = wanted_extensions();
  auto info = structure<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = uint32_t(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  TRIREME_TRY(check(functions().vkCreateDevice(facts_.device, &info, nullptr, &device_), "vkCreateDevice",
                    ErrorCode::kDeviceLost));
  functions().vkGetDeviceQueue(device_, *facts_.queue_family, 0, &queue_);
  TRIREME_ASSIGN(progress_, create_semaphore());
  return {};
}

Status Connection::check(VkResult code, std::string_view call, ErrorCode otherwise) const {
  if (code == VK_SUCCESS) return {};
  return fail(call_error(id_, call, code, otherwise));
}

Result<Handle<VkSemaphore>> Connection::create_semaphore() const {
  auto type = structure<VkSemaphoreTypeCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  auto info = structure<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO);
  info.pNext = &type;
  VkSemaphore semaphore = VK_NULL_HANDLE;
  TRIREME_TRY(check(functions().vkCreateSemaphore(device_, &info, nullptr, &semaphore), "vkCreateSemaphore"));
  return own(semaphore, functions().vkDestroySemaphore);
}

Result<Handle<VkBuffer>> Connection::create_buffer(uint64_t bytes, const void* next) const {
  auto info = structure<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  info.pNext = next;
  // Vulkan has no buffers of nothing.
  info.size = std::max<uint64_t>(bytes, 4);
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  VkBuffer buffer = VK_NULL_HANDLE;
  TRIREME_TRY(
      check(functions().vkCreateBuffer(device_, &info, nullptr, &buffer), "vkCreateBuffer", ErrorCode::kOutOfMemory));
  return own(buffer, functions().vkDestroyBuffer);
}

Result<Handle<VkDeviceMemory>> Connection::bind_memory(VkBuffer buffer, uint32_t type, const void* next) const {
  VkMemoryRequirements needs{};
  functions().vkGetBufferMemoryRequirements(device_, buffer, &needs);
  auto info = structure<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
  info.pNext = next;
  info.allocationSize = needs.size;
  info.memoryTypeIndex = type;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  TRIREME_TRY(check(functions().vkAllocateMemory(device_, &info, nullptr, &memory), "vkAllocateMemory",
                    ErrorCode::kOutOfMemory));
  auto owned = own(memory, functions().vkFreeMemory);
  TRIREME_TRY(
      check(functions().vkBindBufferMemory(device_, buffer, memory, 0), "vkBindBufferMemory", ErrorCode::kOutOfMemory));
  return owned;
}

Result<std::span<std::byte>> Connection::map(VkDeviceMemory memory, uint64_t bytes) const {
  void* mapped = nullptr;
  TRIREME_TRY(check(functions().vkMapMemory(device_, memory, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory",
                    ErrorCode::kOutOfMemory));
  return std::span(static_cast<std::byte*>(mapped), size_t(bytes));
}

Status Connection::submit(VkCommandBuffer commands, std::span<const SemaphorePoint> waits,
                          std::span<const SemaphorePoint> signals, std::atomic<uint64_t>& number) {
  const std::lock_guard lock(mutex_);
  semaphores_.clear();
  values_.clear();
  stages_.assign(waits.size(), VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
  for (const auto points : {waits, signals})
    for (const SemaphorePoint& point : points) {
      semaphores_.push_back(point.semaphore);
      values_.push_back(point.value);
    }
  semaphores_.push_back(progress_.get());
  values_.push_back(submissions_ + 1);
  auto timelines = structure<VkTimelineSemaphoreSubmitInfo>(VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
  timelines.waitSemaphoreValueCount = uint32_t(waits.size());
  timelines.pWaitSemaphoreValues = values_.data();
  timelines.signalSemaphoreValueCount = uint32_t(signals.size() + 1);
  timelines.pSignalSemaphoreValues = values_.data() + waits.size();
  auto info = structure<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
  info.pNext = &timelines;
  info.waitSemaphoreCount = uint32_t(waits.size());
  info.pWaitSemaphores = semaphores_.data();
  info.pWaitDstStageMask = stages_.data();
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = uint32_t(signals.size() + 1);
  info.pSignalSemaphores = semaphores_.data() + waits.size();
  number = submissions_ + 1;
  const VkResult code = functions().vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE);
  if (code == VK_SUCCESS)
    ++submissions_;
  else
    number = 0;
  return check(code, "vkQueueSubmit", ErrorCode::kDeviceLost);
}

Status Connection::finish_all() {
  std::unique_lock lock(mutex_);
  const uint64_t last = submissions_;
  lock.unlock();
  return finish(last);
}

Status Connection::finish(uint64_t submission) const {
  const VkSemaphore semaphore = progress_.get();
  auto info = structure<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &submission;
  return check(functions().vkWaitSemaphores(device_, &info, UINT64_MAX), "vkWaitSemaphores", ErrorCode::kDeviceLost);
}

}  // namespace trireme::vulkan
