// CommandBuffer: commands that see all that happened before them, and whose effects all that follow see.
#pragma once

#include "backends/vulkan/connection.h"

namespace trireme::vulkan {

class CommandBuffer {
 public:
  // Begins recording. Errors: kOutOfMemory.
  Status begin(const Connection& connection);
  // Orders what was recorded before against what follows.
  void barrier(const Connection& connection);
  Status end(const Connection& connection);

  VkCommandBuffer get() const { return commands_; }

 private:
  Handle<VkCommandPool> pool_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;  // the pool's
};

}  // namespace trireme::vulkan
