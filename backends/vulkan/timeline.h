// VulkanTimeline: a timeline semaphore of a device.
#pragma once

#include <chrono>
#include <optional>

#include "backends/vulkan/connection.h"
#include "hal/timeline.h"

namespace trireme::vulkan {

class VulkanTimeline final : public Timeline {
 public:
  // Errors: kOutOfMemory.
  static Result<std::shared_ptr<VulkanTimeline>> create(std::shared_ptr<Connection> connection);
  // Waits for what the device still runs when that may signal it, as after a failure.
  ~VulkanTimeline() override;

  uint64_t value() const override;
  Status wait(uint64_t value, std::chrono::nanoseconds timeout) override;
  Status signal(uint64_t value) override;
  void fail_with(Error error) override;

  const Connection* connection() const { return connection_.get(); }
  VkSemaphore semaphore() const { return semaphore_.get(); }

  // The value was signalled, or what the device's queue has will signal it.
  bool promised(uint64_t value) const;
  // What is now given to the queue will signal the value, or fail_with() follows. Errors: as signal().
  Status promise(uint64_t value);

 private:
  explicit VulkanTimeline(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Status growth(uint64_t value) const;  // with the mutex held

  std::shared_ptr<Connection> connection_;
  Handle<VkSemaphore> semaphore_;
  mutable std::mutex mutex_;  // guards what follows
  uint64_t promised_ = 0;     // the largest value that was signalled or will be
  std::optional<Error> error_;
};

}  // namespace trireme::vulkan
