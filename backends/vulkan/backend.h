// The vulkan backend: every device of every Vulkan driver on the machine, as devices that run compiled kernels.
#pragma once

#include <memory>
#include <string>

#include "backends/vulkan/diagnostics.h"
#include "hal/backend.h"

namespace trireme::vulkan {

// `library` is the loader of drivers, by name or path. It is opened when first asked for devices.
std::unique_ptr<Backend> create_backend(std::string library = "libvulkan.so.1", Diagnostics diagnostics = {});

}  // namespace trireme::vulkan
