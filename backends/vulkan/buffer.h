// VulkanBuffer: memory of a Vulkan device.
#pragma once

#include "backends/vulkan/staging.h"
#include "hal/buffer.h"

namespace trireme::vulkan {

class VulkanBuffer final : public Buffer {
 public:
  // `staging` only for devices whose buffers the host does not see. Errors: kOutOfMemory.
  static Result<std::shared_ptr<VulkanBuffer>> allocate(std::shared_ptr<Connection> connection,
                                                        std::shared_ptr<Staging> staging, uint64_t bytes);
  // Errors: kUnsupported where the device has its own memory, or the range is not one that it can use in place.
  static Result<std::shared_ptr<VulkanBuffer>> import(std::shared_ptr<Connection> connection,
                                                      std::span<std::byte> memory);
  ~VulkanBuffer() override;

  uint64_t size() const override { return size_; }
  Status write(uint64_t offset, std::span<const std::byte> data) override;
  Status read(uint64_t offset, std::span<std::byte> data) const override;
  Result<std::span<std::byte>> map() override;

  const Connection* connection() const { return connection_.get(); }
  VkBuffer get() const { return buffer_.get(); }

 private:
  VulkanBuffer(std::shared_ptr<Connection> connection, uint64_t size)
      : connection_(std::move(connection)), size_(size) {}

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Staging> staging_;
  uint64_t size_;
  uint64_t allocated_bytes_ = 0;  // counted as this device's
  std::span<std::byte> mapped_;   // unless staged
  Handle<VkDeviceMemory> memory_;
  Handle<VkBuffer> buffer_;
};

// The buffer of a range. Errors: kInvalidArgument when the range leaves its buffer or the buffer is foreign.
Result<const VulkanBuffer*> resolve(const Connection& connection, const BufferRange& range);

}  // namespace trireme::vulkan
