// What the validation layer and drivers say.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trireme::vulkan {

// The layer says of this one that it is most likely its own bug. Older layers lose the state of a timeline that several
// threads wait for (KhronosGroup/Vulkan-ValidationLayers issues 4649 and 4968), and wait for it for 10 seconds. A
// semaphore that is never signalled fails a test by its own patience.
inline constexpr std::string_view kLostByTheLayer = "UNASSIGNED-VkSemaphore-state-timeout";

// From any thread.
class Messages {
 public:
  void add(std::string_view message) {
    if (message.find(kLostByTheLayer) != std::string_view::npos) return;
    const std::lock_guard lock(mutex_);
    all_.emplace_back(message);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(all_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

}  // namespace trireme::vulkan
