// What the codes of Vulkan calls mean.
#pragma once

#include <string_view>

#include "backends/vulkan/library.h"
#include "hal/result.h"

namespace trireme::vulkan {

std::string_view code_name(VkResult code);

// The error of a failed call. Codes that speak of memory give kOutOfMemory, those of a device that is gone kDeviceLost,
// all others `otherwise`. `what` is the device's id, or the backend's name.
Error call_error(std::string_view what, std::string_view call, VkResult code,
                 ErrorCode otherwise = ErrorCode::kInternal);

}  // namespace trireme::vulkan
