// VulkanKernel: a compute pipeline with its layout.
#pragma once

#include <vector>

#include "backends/vulkan/connection.h"
#include "hal/kernel_device.h"

namespace trireme::vulkan {

class VulkanKernel final : public Kernel {
 public:
  // As KernelDevice::build_kernel and load_kernel. What is kept is the driver's pipeline cache, which may be empty.
  static Result<std::vector<std::byte>> build(std::shared_ptr<Connection> connection, const KernelSource& source);
  static Result<std::shared_ptr<const VulkanKernel>> load(std::shared_ptr<Connection> connection,
                                                          const KernelSource& source, std::span<const std::byte> built);

  const KernelSource& source() const override { return source_; }
  const Connection* connection() const { return connection_.get(); }
  VkDescriptorSetLayout set_layout() const { return set_layout_.get(); }
  VkPipelineLayout layout() const { return layout_.get(); }
  VkPipeline pipeline() const { return pipeline_.get(); }
  // Words of a texel where a buffer is bound as texels, or 0.
  uint32_t texel_words(uint32_t buffer) const { return texel_words_[buffer]; }
  VkDescriptorType descriptor(uint32_t buffer) const {
    return texel_words_[buffer] > 0 ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  }

 private:
  VulkanKernel(std::shared_ptr<Connection> connection, const KernelSource& source);
  Status create_layouts();
  Status create(std::string_view code, VkPipelineCache cache);

  std::shared_ptr<Connection> connection_;
  KernelSource source_;
  std::vector<uint32_t> texel_words_;
  Handle<VkDescriptorSetLayout> set_layout_;
  Handle<VkPipelineLayout> layout_;
  Handle<VkPipeline> pipeline_;
};

}  // namespace trireme::vulkan
