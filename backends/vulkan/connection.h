// Connection: what all objects of one opened device share, and what they are told apart by.
#pragma once

#include <atomic>
#include <mutex>
#include <span>
#include <string>

#include "backends/vulkan/device_facts.h"
#include "backends/vulkan/handle.h"

namespace trireme::vulkan {

// A value of a timeline semaphore.
struct SemaphorePoint {
  VkSemaphore semaphore = VK_NULL_HANDLE;
  uint64_t value = 0;
};

class Connection {
 public:
  Connection(std::shared_ptr<const Instance> instance, DeviceFacts facts, std::string id);
  // Waits until the driver is done.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Makes the device and its queue. Errors: kDeviceLost, kOutOfMemory.
  Status open();

  const Functions& functions() const { return instance_->functions; }
  const DeviceFacts& facts() const { return facts_; }
  const std::string& id() const { return id_; }
  VkDevice device() const { return device_; }

  // Gives commands to the queue, which runs them after all that were given before, as far as their barriers say.
  // `number` is then for finish(), and is set before the commands can be over. Every wait must be for a value whose
  // signal the queue already has, so that all it has comes to an end by itself. Errors: kDeviceLost, kOutOfMemory.
  Status submit(VkCommandBuffer commands, std::span<const SemaphorePoint> waits,
                std::span<const SemaphorePoint> signals, std::atomic<uint64_t>& number);
  // Waits until what submit() gave the number to, and all before it, is over. Errors: kDeviceLost.
  Status finish(uint64_t submission) const;
  Status finish_all();

  // The error of a failed call.
  Status check(VkResult code, std::string_view call, ErrorCode otherwise = ErrorCode::kInternal) const;
  // Owns what a vkCreate... call gave.
  template <typename T>
  Handle<T> own(T object, typename Handle<T>::Destroy destroy) const {
    return Handle<T>(device_, object, destroy);
  }
  Result<Handle<VkSemaphore>> create_semaphore() const;
  // A buffer's memory of the chosen type, bound to it.
  Result<Handle<VkDeviceMemory>> bind_memory(VkBuffer buffer, uint32_t type, const void* next = nullptr) const;
  Result<Handle<VkBuffer>> create_buffer(uint64_t bytes, const void* next = nullptr) const;
  Result<std::span<std::byte>> map(VkDeviceMemory memory, uint64_t bytes) const;

  std::atomic<uint64_t>& allocated_bytes() { return allocated_bytes_; }

 private:
  std::vector<const char*> wanted_extensions() const;

  std::shared_ptr<const Instance> instance_;
  DeviceFacts facts_;
  std::string id_;
  std::atomic<uint64_t> allocated_bytes_ = 0;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  Handle<VkSemaphore> progress_;  // stands at the number of the last submission that is over
  std::mutex mutex_;              // of the queue; guards what follows
  uint64_t submissions_ = 0;
  std::vector<VkSemaphore> semaphores_;  // kept, so that a submission allocates nothing
  std::vector<uint64_t> values_;
  std::vector<VkPipelineStageFlags> stages_;
};

}  // namespace trireme::vulkan
