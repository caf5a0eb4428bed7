#include "backends/vulkan/error.h"

#include <string>

namespace trireme::vulkan {
namespace {

std::string_view remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOutOfMemory: return "use a smaller model, a shorter context or another device";
    case ErrorCode::kDeviceLost: return "look for the driver's messages in the system's log, or use another device";
    default: return "report it together with what 'vulkaninfo' prints";
  }
}

ErrorCode meaning(VkResult code, ErrorCode otherwise) {
  switch (code) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL: return ErrorCode::kOutOfMemory;
    case VK_ERROR_DEVICE_LOST: return ErrorCode::kDeviceLost;
    default: return otherwise;
  }
}

}  // namespace

std::string_view code_name(VkResult code) {
#define TRIREME_VULKAN_CODE(name) \
  case name: return #name
  switch (code) {
    TRIREME_VULKAN_CODE(VK_SUCCESS);
    TRIREME_VULKAN_CODE(VK_NOT_READY);
    TRIREME_VULKAN_CODE(VK_TIMEOUT);
    TRIREME_VULKAN_CODE(VK_INCOMPLETE);
    TRIREME_VULKAN_CODE(VK_ERROR_OUT_OF_HOST_MEMORY);
    TRIREME_VULKAN_CODE(VK_ERROR_OUT_OF_DEVICE_MEMORY);
    TRIREME_VULKAN_CODE(VK_ERROR_INITIALIZATION_FAILED);
    TRIREME_VULKAN_CODE(VK_ERROR_DEVICE_LOST);
    TRIREME_VULKAN_CODE(VK_ERROR_MEMORY_MAP_FAILED);
    TRIREME_VULKAN_CODE(VK_ERROR_LAYER_NOT_PRESENT);
    TRIREME_VULKAN_CODE(VK_ERROR_EXTENSION_NOT_PRESENT);
    TRIREME_VULKAN_CODE(VK_ERROR_FEATURE_NOT_PRESENT);
    TRIREME_VULKAN_CODE(VK_ERROR_INCOMPATIBLE_DRIVER);
    TRIREME_VULKAN_CODE(VK_ERROR_TOO_MANY_OBJECTS);
    TRIREME_VULKAN_CODE(VK_ERROR_FRAGMENTED_POOL);
    TRIREME_VULKAN_CODE(VK_ERROR_UNKNOWN);
    TRIREME_VULKAN_CODE(VK_ERROR_OUT_OF_POOL_MEMORY);
    TRIREME_VULKAN_CODE(VK_ERROR_INVALID_EXTERNAL_HANDLE);
    TRIREME_VULKAN_CODE(VK_ERROR_INVALID_SHADER_NV);
    default: return "an unknown code";
  }
#undef TRIREME_VULKAN_CODE
}

Error call_error(std::string_view what, std::string_view call, VkResult code, ErrorCode otherwise) {
  const ErrorCode means = meaning(code, otherwise);
  const std::string why =
      std::string(call) + " failed with " + std::string(code_name(code)) + " (" + std::to_string(int(code)) + ")";
  return Error(means, what, why, remedy(means));
}

}  // namespace trireme::vulkan
