// Diagnostics: the layers under which Vulkan is used, for those who test.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trireme::vulkan {

struct Diagnostics {
  std::vector<std::string> layers;  // "VK_LAYER_KHRONOS_validation", which also judges synchronisation
  // Gets each warning and error of the layers, and of drivers; from any thread.
  std::function<void(std::string_view message)> report;
  // The layer also writes checks into kernels, which tell strays of what they bind, and judges no synchronisation.
  bool gpu_assisted = false;
};

}  // namespace trireme::vulkan
