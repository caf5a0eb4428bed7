// Staging: contents on their way to and from memory that the host does not see.
#pragma once

#include "backends/vulkan/command_buffer.h"

namespace trireme::vulkan {

class Staging {
 public:
  // Errors: kOutOfMemory.
  static Result<std::shared_ptr<Staging>> create(std::shared_ptr<Connection> connection);

  // Both return when all is copied. Errors: kDeviceLost.
  Status write(VkBuffer target, uint64_t offset, std::span<const std::byte> data);
  Status read(VkBuffer source, uint64_t offset, std::span<std::byte> data);

 private:
  explicit Staging(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Status copy(VkBuffer source, VkBuffer target, const VkBufferCopy& region);

  std::shared_ptr<Connection> connection_;
  std::mutex mutex_;  // guards what follows, and is held during a copy
  Handle<VkDeviceMemory> memory_;
  Handle<VkBuffer> buffer_;
  std::span<std::byte> mapped_;
  CommandBuffer commands_;
};

}  // namespace trireme::vulkan
