#include "backends/vulkan/device_facts.h"

#include <algorithm>

#include "backends/vulkan/error.h"
#include "backends/vulkan/structure.h"
#include "hal/kernel_device.h"

namespace trireme::vulkan {
namespace {

constexpr VkMemoryPropertyFlags kHostMemory =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

std::vector<std::string> extensions_of(const Functions& functions, VkPhysicalDevice device) {
  uint32_t count = 0;
  if (functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<VkExtensionProperties> properties(count);
  if (functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, properties.data()) != VK_SUCCESS)
    return {};
  std::vector<std::string> names;
  for (const VkExtensionProperties& extension : properties) names.emplace_back(extension.extensionName);
  return names;
}

// A family that computes and does not draw is the quieter one.
std::optional<uint32_t> computing_family(const Functions& functions, VkPhysicalDevice device) {
  uint32_t count = 0;
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  std::optional<uint32_t> found;
  for (uint32_t i = 0; i < families.size(); ++i) {
    if (families[i].queueCount == 0 || !(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)) continue;
    if (!found) found = i;
    if (!(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)) return i;
  }
  return found;
}

void ask_properties(const Functions& functions, DeviceFacts& facts) {
  auto properties = structure<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  functions.vkGetPhysicalDeviceProperties2(facts.device, &properties);
  facts.version = properties.properties.apiVersion;
  facts.driver_version = properties.properties.driverVersion;
  facts.name = properties.properties.deviceName;
  facts.type = properties.properties.deviceType;
  facts.limits = properties.properties.limits;
  std::copy_n(properties.properties.pipelineCacheUUID, VK_UUID_SIZE, facts.cache_uuid.begin());
  if (facts.version < kOldestVersion) return;
  auto sizes =
      structure<VkPhysicalDeviceMaintenance3Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
  auto driver = structure<VkPhysicalDeviceDriverProperties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
  auto host = structure<VkPhysicalDeviceExternalMemoryHostPropertiesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT);
  auto dots = structure<VkPhysicalDeviceShaderIntegerDotProductPropertiesKHR>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES_KHR);
  auto subgroups = structure<VkPhysicalDeviceSubgroupProperties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  auto control = structure<VkPhysicalDeviceSubgroupSizeControlPropertiesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT);
  chain(properties, sizes);
  chain(properties, driver);
  chain(properties, subgroups);
  if (facts.has(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) chain(properties, host);
  if (facts.has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) chain(properties, dots);
  if (facts.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) chain(properties, control);
  functions.vkGetPhysicalDeviceProperties2(facts.device, &properties);
  constexpr VkSubgroupFeatureFlags kNeeded =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
  facts.subgroup_size = subgroups.subgroupSize;
  facts.sized_subgroups =
      (subgroups.supportedOperations & kNeeded) == kNeeded &&
      (subgroups.supportedStages & control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  facts.integer_dot = dots.integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  facts.driver_name = driver.driverName;
  facts.driver_info = driver.driverInfo;
  facts.allocation_bytes = sizes.maxMemoryAllocationSize;
  facts.host_pointer_alignment = host.minImportedHostPointerAlignment;
}

void ask_features(const Functions& functions, DeviceFacts& facts) {
  if (facts.version < kOldestVersion) return;
  auto new_ones = structure<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  auto newer = structure<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  auto dots = structure<VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR);
  auto control = structure<VkPhysicalDeviceSubgroupSizeControlFeaturesEXT>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT);
  auto features = structure<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
  chain(features, new_ones);
  chain(features, newer);
  if (facts.has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) chain(features, dots);
  if (facts.sized_subgroups) chain(features, control);
  functions.vkGetPhysicalDeviceFeatures2(facts.device, &features);
  facts.integer_dot = facts.integer_dot && dots.shaderIntegerDotProduct;
  facts.sized_subgroups = control.subgroupSizeControl && control.computeFullSubgroups;
  facts.timeline_semaphores = newer.timelineSemaphore == VK_TRUE;
  facts.small_stores = features.features.shaderInt16 && newer.shaderInt8 && new_ones.storageBuffer16BitAccess &&
                       newer.storageBuffer8BitAccess;
}

DeviceFacts ask(const Functions& functions, VkPhysicalDevice device) {
  DeviceFacts facts;
  facts.device = device;
  facts.extensions = extensions_of(functions, device);
  ask_properties(functions, facts);
  ask_features(functions, facts);
  auto memory = structure<VkPhysicalDeviceMemoryProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
  functions.vkGetPhysicalDeviceMemoryProperties2(device, &memory);
  facts.memory = memory.memoryProperties;
  facts.queue_family = computing_family(functions, device);
  facts.staged = facts.type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  return facts;
}

std::string build_key(const DeviceFacts& facts) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string key = facts.name + "; " + facts.driver() + "; " + std::to_string(facts.driver_version) + "; ";
  for (const uint8_t byte : facts.cache_uuid) {
    key += kDigits[byte >> 4];
    key += kDigits[byte & 15];
  }
  return key;
}

// The first type that has all of the flags, of the earliest wish that any type fulfils.
std::optional<uint32_t> choose_memory(const VkPhysicalDeviceMemoryProperties& memory, uint32_t bits,
                                      std::initializer_list<VkMemoryPropertyFlags> wishes) {
  for (const VkMemoryPropertyFlags wish : wishes)
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((bits >> i & 1) && (memory.memoryTypes[i].propertyFlags & wish) == wish) return i;
  return std::nullopt;
}

}  // namespace

bool DeviceFacts::has(std::string_view extension) const {
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

std::string DeviceFacts::driver() const {
  std::string text = driver_name;
  if (!driver_info.empty()) text += (text.empty() ? "" : " ") + driver_info;
  return text + (text.empty() ? "" : ", ") + "Vulkan " + version_text(version);
}

std::optional<uint32_t> DeviceFacts::buffer_memory(uint32_t bits) const {
  if (staged) return choose_memory(memory, bits, {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0});
  return choose_memory(memory, bits,
                       {kHostMemory | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                        kHostMemory | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, kHostMemory});
}

std::optional<uint32_t> DeviceFacts::host_memory(uint32_t bits) const {
  return choose_memory(memory, bits, {kHostMemory | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, kHostMemory});
}

uint32_t DeviceFacts::heap() const {
  const std::optional<uint32_t> chosen = buffer_memory(UINT32_MAX);
  return chosen ? memory.memoryTypes[*chosen].heapIndex : 0;
}

std::optional<std::string> DeviceFacts::refusal() const {
  if (version < kOldestVersion)
    return "it has Vulkan " + version_text(version) + ", and 1.2 is the oldest that will do";
  if (!timeline_semaphores) return "it has no timeline semaphores";
  if (!queue_family) return "it has no queue that computes";
  if (limits.minStorageBufferOffsetAlignment > kBindingAlignment)
    return "it binds buffers at multiples of " + std::to_string(limits.minStorageBufferOffsetAlignment) +
           " bytes, and " + std::to_string(kBindingAlignment) + " are needed";
  if (!host_memory(UINT32_MAX)) return "the host sees none of its memory";
  return std::nullopt;
}

Target target_of(const DeviceFacts& facts) {
  Target target;
  target.language = TargetLanguage::kSpirV;
  target.version = 103;
  target.build_key = build_key(facts);
  target.max_group_size =
      std::min(facts.limits.maxComputeWorkGroupInvocations, facts.limits.maxComputeWorkGroupSize[0]);
  target.shared_bytes = facts.limits.maxComputeSharedMemorySize;
  target.max_buffers = std::min(target.max_buffers, facts.limits.maxPerStageDescriptorStorageBuffers);
  target.max_buffer_bytes = std::min<uint64_t>(facts.limits.maxStorageBufferRange, facts.allocation_bytes);
  target.subgroup_size = facts.sure_subgroup_size();
  target.small_stores = facts.small_stores;
  target.integer_dot = facts.integer_dot;
  target.concurrent_builds = true;
  target.repacks_weights = facts.type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  target.software = facts.software();
  // Such devices load lane by lane, in a loop, and gather texels. What fits as storage buffers must fit as texels.
  target.fetches_texels =
      facts.software() && facts.limits.maxTexelBufferElements >= target.max_buffer_bytes / sizeof(uint32_t) &&
      facts.limits.maxPerStageDescriptorSampledImages >= facts.limits.maxPerStageDescriptorStorageBuffers;
  return target;
}

Result<std::vector<DeviceFacts>> find_devices(const Instance& instance) {
  const Functions& functions = instance.functions;
  uint32_t count = 0;
  VkResult code = functions.vkEnumeratePhysicalDevices(instance.get(), &count, nullptr);
  std::vector<VkPhysicalDevice> devices(code == VK_SUCCESS ? count : 0);
  if (!devices.empty()) code = functions.vkEnumeratePhysicalDevices(instance.get(), &count, devices.data());
  if (code != VK_SUCCESS) return fail(call_error("vulkan", "vkEnumeratePhysicalDevices", code, ErrorCode::kNotFound));
  if (devices.empty()) return fail(ErrorCode::kNotFound, "vulkan", "no Vulkan driver found a device that it can drive");
  std::vector<DeviceFacts> found;
  for (const VkPhysicalDevice device : devices) found.push_back(ask(functions, device));
  return found;
}

}  // namespace trireme::vulkan
