// VulkanKernelList: launches and copies in a command buffer that is recorded once.
#pragma once

#include <vector>

#include "backends/vulkan/buffer.h"
#include "backends/vulkan/kernel.h"

namespace trireme::vulkan {

class VulkanKernelList final : public KernelList {
 public:
  // Errors: kOutOfMemory.
  static Result<std::unique_ptr<VulkanKernelList>> create(std::shared_ptr<Connection> connection);
  // Waits until the device no longer runs it.
  ~VulkanKernelList() override;

  Status launch(std::shared_ptr<const Kernel> kernel, const KernelLaunch& launch) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  Status barrier() override;
  Status finish() override;

  const Connection* connection() const { return connection_.get(); }
  bool finished() const { return finished_; }
  VkCommandBuffer commands() const { return commands_.get(); }
  // The number of its last submission, or 0.
  std::atomic<uint64_t>& submission() { return submission_; }

 private:
  explicit VulkanKernelList(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Status check_open() const;
  // Errors: kInvalidArgument for a range that cannot be bound.
  Result<VkDescriptorBufferInfo> check_range(const BufferRange& range) const;
  Result<VkBufferView> new_view(const VkDescriptorBufferInfo& range, uint32_t texel_words);
  Result<VkDescriptorSet> bind(const VulkanKernel& kernel, std::span<const BufferRange> buffers);
  Status check_groups(const KernelLaunch& launch, const KernelSource& source) const;
  Result<VkDescriptorSet> new_set(const VulkanKernel& kernel);

  std::shared_ptr<Connection> connection_;
  CommandBuffer commands_;
  std::vector<Handle<VkBufferView>> views_;
  std::vector<Handle<VkDescriptorPool>> pools_;
  uint32_t sets_left_ = 0;  // in the last pool
  uint32_t descriptors_left_ = 0;
  std::vector<std::shared_ptr<const VulkanKernel>> kernels_;  // alive as long as the list
  bool finished_ = false;
  std::atomic<uint64_t> submission_ = 0;
};

}  // namespace trireme::vulkan
