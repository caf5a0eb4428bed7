// Library: the Vulkan functions that this backend calls, found at run time.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <memory>
#include <string>

#include "hal/result.h"

namespace trireme::vulkan {

// Those that need no instance.
#define TRIREME_VULKAN_LOADER_FUNCTIONS(X) \
  X(vkEnumerateInstanceVersion)            \
  X(vkCreateInstance)

#define TRIREME_VULKAN_FUNCTIONS(X)           \
  X(vkDestroyInstance)                        \
  X(vkEnumeratePhysicalDevices)               \
  X(vkEnumerateDeviceExtensionProperties)     \
  X(vkGetPhysicalDeviceProperties2)           \
  X(vkGetPhysicalDeviceFeatures2)             \
  X(vkGetPhysicalDeviceMemoryProperties2)     \
  X(vkGetPhysicalDeviceQueueFamilyProperties) \
  X(vkCreateDevice)                           \
  X(vkDestroyDevice)                          \
  X(vkGetDeviceQueue)                         \
  X(vkQueueSubmit)                            \
  X(vkCreateSemaphore)                        \
  X(vkDestroySemaphore)                       \
  X(vkGetSemaphoreCounterValue)               \
  X(vkWaitSemaphores)                         \
  X(vkSignalSemaphore)                        \
  X(vkCreateBuffer)                           \
  X(vkDestroyBuffer)                          \
  X(vkGetBufferMemoryRequirements)            \
  X(vkCreateBufferView)                       \
  X(vkDestroyBufferView)                      \
  X(vkBindBufferMemory)                       \
  X(vkAllocateMemory)                         \
  X(vkFreeMemory)                             \
  X(vkMapMemory)                              \
  X(vkCreateShaderModule)                     \
  X(vkDestroyShaderModule)                    \
  X(vkCreateDescriptorSetLayout)              \
  X(vkDestroyDescriptorSetLayout)             \
  X(vkCreatePipelineLayout)                   \
  X(vkDestroyPipelineLayout)                  \
  X(vkCreatePipelineCache)                    \
  X(vkDestroyPipelineCache)                   \
  X(vkGetPipelineCacheData)                   \
  X(vkCreateComputePipelines)                 \
  X(vkDestroyPipeline)                        \
  X(vkCreateDescriptorPool)                   \
  X(vkDestroyDescriptorPool)                  \
  X(vkAllocateDescriptorSets)                 \
  X(vkUpdateDescriptorSets)                   \
  X(vkCreateCommandPool)                      \
  X(vkDestroyCommandPool)                     \
  X(vkAllocateCommandBuffers)                 \
  X(vkBeginCommandBuffer)                     \
  X(vkEndCommandBuffer)                       \
  X(vkCmdBindPipeline)                        \
  X(vkCmdBindDescriptorSets)                  \
  X(vkCmdPushConstants)                       \
  X(vkCmdDispatch)                            \
  X(vkCmdCopyBuffer)                          \
  X(vkCmdPipelineBarrier)

// Null where nobody has the extension.
#define TRIREME_VULKAN_EXTENSION_FUNCTIONS(X) \
  X(vkCreateDebugUtilsMessengerEXT)           \
  X(vkDestroyDebugUtilsMessengerEXT)          \
  X(vkGetMemoryHostPointerPropertiesEXT)

#define TRIREME_VULKAN_MEMBER(name) PFN_##name name = nullptr;

struct Library {
  // Errors: kNotFound when the file cannot be opened, kUnsupported when it is no loader of Vulkan 1.2.
  static Result<std::shared_ptr<const Library>> load(const std::string& path);

  PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr = nullptr;
  TRIREME_VULKAN_LOADER_FUNCTIONS(TRIREME_VULKAN_MEMBER)
};

// Of one instance.
struct Functions {
  // Errors: kUnsupported naming the function that is missing.
  static Result<Functions> find(const Library& library, VkInstance instance);

  TRIREME_VULKAN_FUNCTIONS(TRIREME_VULKAN_MEMBER)
  TRIREME_VULKAN_EXTENSION_FUNCTIONS(TRIREME_VULKAN_MEMBER)
};
#undef TRIREME_VULKAN_MEMBER

inline constexpr uint32_t kOldestVersion = VK_API_VERSION_1_2;

std::string version_text(uint32_t version);  // "1.2.131"

}  // namespace trireme::vulkan
