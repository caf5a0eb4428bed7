// VulkanKernel: a compute pipeline with its layout; and the bytes that it is kept as.
#pragma once

#include <vector>

#include "backends/vulkan/connection.h"
#include "hal/kernel_device.h"

namespace trireme::vulkan {

class VulkanKernel final : public Kernel {
 public:
  // As KernelDevice::build_kernel and load_kernel.
  static Result<std::vector<std::byte>> build(std::shared_ptr<Connection> connection, const KernelSource& source,
                                              std::string_view build_key);
  static Result<std::shared_ptr<const VulkanKernel>> load(std::shared_ptr<Connection> connection,
                                                          const KernelSource& source, std::span<const std::byte> built,
                                                          std::string_view build_key);

  const KernelSource& source() const override { return source_; }
  const Connection* connection() const { return connection_.get(); }
  VkDescriptorSetLayout set_layout() const { return set_layout_.get(); }
  VkPipelineLayout layout() const { return layout_.get(); }
  VkPipeline pipeline() const { return pipeline_.get(); }

 private:
  VulkanKernel(std::shared_ptr<Connection> connection, const KernelSource& source);
  Status create_layouts();
  Status create_pipeline(std::string_view code, VkPipelineCache cache);

  std::shared_ptr<Connection> connection_;
  KernelSource source_;
  Handle<VkDescriptorSetLayout> set_layout_;
  Handle<VkPipelineLayout> layout_;
  Handle<VkPipeline> pipeline_;
};

}  // namespace trireme::vulkan
