#include "backends/vulkan/instance.h"

#include <algorithm>

#include "backends/vulkan/error.h"
#include "backends/vulkan/structure.h"

namespace trireme::vulkan {

Result<std::shared_ptr<Instance>> Instance::create(std::shared_ptr<const Library> library, Diagnostics diagnostics) {
  // make_shared cannot see the constructor.
  std::shared_ptr<Instance> instance(new Instance(std::move(library), std::move(diagnostics)));
  TRIREME_TRY(instance->open());
  return instance;
}

Instance::~Instance() {
  if (instance_ == VK_NULL_HANDLE) return;
  if (messenger_ != VK_NULL_HANDLE) functions.vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  functions.vkDestroyInstance(instance_, nullptr);
}

VkDebugUtilsMessengerCreateInfoEXT Instance::messenger_info() {
  auto info = structure<VkDebugUtilsMessengerCreateInfoEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  info.pfnUserCallback = report;
  info.pUserData = this;
  return info;
}

Status Instance::open() {
  auto application = structure<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pApplicationName = "trireme";
  application.apiVersion = kOldestVersion;

  std::vector<const char*> layers, extensions;
  for (const std::string& layer : diagnostics_.layers) layers.push_back(layer.c_str());
  auto info = structure<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.pApplicationInfo = &application;
  const VkValidationFeatureEnableEXT enabled = diagnostics_.gpu_assisted
                                                   ? VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT
                                                   : VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  auto features = structure<VkValidationFeaturesEXT>(VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT);
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = &enabled;
  VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info();
  if (diagnostics_.report) {
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    // What is said while the instance comes and goes is reported, too.
    messenger.pNext = layers.empty() ? nullptr : &features;
    info.pNext = &messenger;
  }
  info.enabledLayerCount = uint32_t(layers.size());
  info.ppEnabledLayerNames = layers.data();
  info.enabledExtensionCount = uint32_t(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  const VkResult created = library_->vkCreateInstance(&info, nullptr, &instance_);
  if (created == VK_ERROR_LAYER_NOT_PRESENT)
    return fail(call_error("vulkan", "vkCreateInstance", created, ErrorCode::kUnsupported));
  if (created != VK_SUCCESS)
    return fail(ErrorCode::kNotFound, "vulkan",
                "no Vulkan driver is installed: vkCreateInstance failed with " + std::string(code_name(created)),
                "install one");
  auto found = Functions::find(*library_, instance_);
  if (!found) {
    const auto destroy = library_->vkGetInstanceProcAddr(instance_, "vkDestroyInstance");
    if (destroy) reinterpret_cast<PFN_vkDestroyInstance>(destroy)(instance_, nullptr);
    instance_ = VK_NULL_HANDLE;
    return fail(std::move(found).error());
  }
  functions = *found;
  if (!diagnostics_.report || !functions.vkCreateDebugUtilsMessengerEXT) return {};
  messenger.pNext = nullptr;
  const VkResult listening = functions.vkCreateDebugUtilsMessengerEXT(instance_, &messenger, nullptr, &messenger_);
  if (listening != VK_SUCCESS) return fail(call_error("vulkan", "vkCreateDebugUtilsMessengerEXT", listening));
  return {};
}

VkBool32 Instance::report(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* instance) {
  const char* message = data->pMessage;
  static_cast<Instance*>(instance)->diagnostics_.report(message ? message : "");
  return VK_FALSE;
}

}  // namespace trireme::vulkan
