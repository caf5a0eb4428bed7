// Instance: Vulkan in this process, as one backend sees it.
#pragma once

#include "backends/vulkan/diagnostics.h"
#include "backends/vulkan/library.h"

namespace trireme::vulkan {

class Instance {
 public:
  // Errors: kNotFound when no driver is installed, kUnsupported when a layer is missing.
  static Result<std::shared_ptr<Instance>> create(std::shared_ptr<const Library> library, Diagnostics diagnostics);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  VkInstance get() const { return instance_; }

  Functions functions;

 private:
  Instance(std::shared_ptr<const Library> library, Diagnostics diagnostics)
      : library_(std::move(library)), diagnostics_(std::move(diagnostics)) {}
  Status open();
  VkDebugUtilsMessengerCreateInfoEXT messenger_info();
  static VKAPI_ATTR VkBool32 VKAPI_CALL report(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                               VkDebugUtilsMessageTypeFlagsEXT types,
                                               const VkDebugUtilsMessengerCallbackDataEXT* data, void* instance);

  std::shared_ptr<const Library> library_;
  Diagnostics diagnostics_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
};

}  // namespace trireme::vulkan
