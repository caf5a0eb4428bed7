#include "backends/vulkan/kernel.h"

#include <cstring>

#include "backends/vulkan/module_facts.h"
#include "backends/vulkan/structure.h"

namespace trireme::vulkan {
namespace {

Result<Handle<VkPipelineCache>> create_cache(const Connection& connection, std::span<const std::byte> data) {
  auto info = structure<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  VkPipelineCache cache = VK_NULL_HANDLE;
  TRIREME_TRY(
      connection.check(connection.functions().vkCreatePipelineCache(connection.device(), &info, nullptr, &cache),
                       "vkCreatePipelineCache"));
  return connection.own(cache, connection.functions().vkDestroyPipelineCache);
}

// Empty when the driver gives nothing: a cache is only for speed.
std::vector<std::byte> cache_data(const Connection& connection, VkPipelineCache cache) {
  size_t bytes = 0;
  const auto& get = connection.functions().vkGetPipelineCacheData;
  if (get(connection.device(), cache, &bytes, nullptr) != VK_SUCCESS) return {};
  std::vector<std::byte> data(bytes);
  if (get(connection.device(), cache, &bytes, data.data()) != VK_SUCCESS) return {};
  data.resize(bytes);
  return data;
}

// Errors: kUnsupported when the device cannot run it, kInternal when the module is not what the source says.
Result<ModuleFacts> check_kernel(const Connection& connection, const KernelSource& source, std::string_view code) {
  const VkPhysicalDeviceLimits& limits = connection.facts().limits;
  const std::string what = "kernel " + source.entry;
  const uint32_t largest = std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
  const auto too_much = [&](std::string_view of, uint64_t needs, uint64_t has) {
    return fail(ErrorCode::kUnsupported, what,
                "it takes " + std::to_string(needs) + " " + std::string(of) + ", and " + connection.id() + " allows " +
                    std::to_string(has));
  };
  if (source.group_size == 0 || source.group_size > largest)
    return fail(ErrorCode::kUnsupported, what,
                connection.id() + " runs it in groups of 1 to " + std::to_string(largest) + " items, not of " +
                    std::to_string(source.group_size));
  if (source.subgroup_size > 0 && source.subgroup_size != connection.facts().sure_subgroup_size())
    return too_much("items of a subgroup", source.subgroup_size, connection.facts().sure_subgroup_size());
  if (source.buffers > limits.maxPerStageDescriptorStorageBuffers)
    return too_much("buffers", source.buffers, limits.maxPerStageDescriptorStorageBuffers);
  if (source.launch_words > limits.maxPushConstantsSize / sizeof(uint32_t))
    return too_much("launch words", source.launch_words, limits.maxPushConstantsSize / sizeof(uint32_t));
  TRIREME_ASSIGN(const ModuleFacts facts, read_module(code, source.entry));
  if (facts.shared_bytes > limits.maxComputeSharedMemorySize)
    return too_much("shared bytes", facts.shared_bytes, limits.maxComputeSharedMemorySize);
  const auto differs = [&](const std::string& of, uint64_t module, uint64_t says) {
    return fail(ErrorCode::kInternal, what,
                "its module has " + std::to_string(module) + " " + of + ", not " + std::to_string(says));
  };
  if (facts.group_size != source.group_size) return differs("items of a group", facts.group_size, source.group_size);
  if (facts.buffers > source.buffers) return differs("buffers", facts.buffers, source.buffers);
  if (facts.launch_words != source.launch_words)
    return differs("launch words", facts.launch_words, source.launch_words);
  return facts;
}

}  // namespace

VulkanKernel::VulkanKernel(std::shared_ptr<Connection> connection, const KernelSource& source)
    : connection_(std::move(connection)), source_(without_code(source)) {}

Status VulkanKernel::create_layouts() {
  const Functions& functions = connection_->functions();
  std::vector<VkDescriptorSetLayoutBinding> bindings(source_.buffers);
  for (uint32_t i = 0; i < source_.buffers; ++i)
    bindings[i] = {i, descriptor(i), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  auto set = structure<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
  set.bindingCount = source_.buffers;
  set.pBindings = bindings.data();
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  TRIREME_TRY(
      connection_->check(functions.vkCreateDescriptorSetLayout(connection_->device(), &set, nullptr, &set_layout),
                         "vkCreateDescriptorSetLayout"));
  set_layout_ = connection_->own(set_layout, functions.vkDestroyDescriptorSetLayout);

  const VkPushConstantRange words = {VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(source_.launch_words * sizeof(uint32_t))};
  auto info = structure<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  info.setLayoutCount = 1;
  info.pSetLayouts = &set_layout;
  info.pushConstantRangeCount = source_.launch_words > 0 ? 1 : 0;
  info.pPushConstantRanges = &words;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  TRIREME_TRY(connection_->check(functions.vkCreatePipelineLayout(connection_->device(), &info, nullptr, &layout),
                                 "vkCreatePipelineLayout"));
  layout_ = connection_->own(layout, functions.vkDestroyPipelineLayout);
  return {};
}

Status VulkanKernel::create(std::string_view code, VkPipelineCache cache) {
  const Functions& functions = connection_->functions();
  TRIREME_ASSIGN(const ModuleFacts facts, check_kernel(*connection_, source_, code));
  texel_words_.resize(source_.buffers);
  for (const auto& [binding, texel] : facts.texels) texel_words_[binding] = texel;
  TRIREME_TRY(create_layouts());
  std::vector<uint32_t> words(code.size() / sizeof(uint32_t));
  std::memcpy(words.data(), code.data(), words.size() * sizeof(uint32_t));
  auto text = structure<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
  text.codeSize = code.size();
  text.pCode = words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  TRIREME_TRY(connection_->check(functions.vkCreateShaderModule(connection_->device(), &text, nullptr, &module),
                                 "vkCreateShaderModule"));
  const auto owned = connection_->own(module, functions.vkDestroyShaderModule);
  auto info = structure<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = source_.entry.c_str();
  auto subgroups = structure<VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT);
  subgroups.requiredSubgroupSize = source_.subgroup_size;
  if (source_.subgroup_size > 0) {
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
    info.stage.pNext = &subgroups;
  }
  info.layout = layout_.get();
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult code_of =
      functions.vkCreateComputePipelines(connection_->device(), cache, 1, &info, nullptr, &pipeline);
  pipeline_ = connection_->own(pipeline, functions.vkDestroyPipeline);
  return connection_->check(code_of, "vkCreateComputePipelines");
}

Result<std::vector<std::byte>> VulkanKernel::build(std::shared_ptr<Connection> connection, const KernelSource& source) {
  VulkanKernel kernel(connection, source);
  TRIREME_ASSIGN(const auto cache, create_cache(*connection, {}));
  if (Status created = kernel.create(source.code, cache.get()); !created)
    return fail(std::move(created).error(), "building kernel " + source.entry);
  return cache_data(*connection, cache.get());
}

Result<std::shared_ptr<const VulkanKernel>> VulkanKernel::load(std::shared_ptr<Connection> connection,
                                                               const KernelSource& source,
                                                               std::span<const std::byte> built) {
  std::shared_ptr<VulkanKernel> kernel(new VulkanKernel(std::move(connection), source));
  TRIREME_ASSIGN(const auto cache, create_cache(*kernel->connection_, built));
  if (Status created = kernel->create(source.code, cache.get()); !created)
    return fail(std::move(created).error(), "loading kernel " + source.entry);
  return kernel;
}

}  // namespace trireme::vulkan
