#include "backends/vulkan/timeline.h"

#include <algorithm>

#include "backends/vulkan/error.h"
#include "backends/vulkan/structure.h"

namespace trireme::vulkan {
namespace {

using Clock = std::chrono::steady_clock;

// A semaphore knows nothing of failures, so a wait looks up from time to time.
constexpr std::chrono::nanoseconds kLongestSlice = std::chrono::milliseconds(20);
// The clock's own arithmetic overflows with timeouts that mean "for ever".
constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24 * 365);

}  // namespace

Result<std::shared_ptr<VulkanTimeline>> VulkanTimeline::create(std::shared_ptr<Connection> connection) {
  // make_shared cannot see the constructor.
  std::shared_ptr<VulkanTimeline> timeline(new VulkanTimeline(std::move(connection)));
  TRIREME_ASSIGN(timeline->semaphore_, timeline->connection_->create_semaphore());
  return timeline;
}

// Who signals is inside of signal() still when a waiter sees the value, and may free the timeline: hence the mutex.
VulkanTimeline::~VulkanTimeline() {
  const std::lock_guard lock(mutex_);
  if (semaphore() != VK_NULL_HANDLE && value() < promised_) static_cast<void>(connection_->finish_all());
}

uint64_t VulkanTimeline::value() const {
  uint64_t value = 0;
  const VkResult code = connection_->functions().vkGetSemaphoreCounterValue(connection_->device(), semaphore(), &value);
  return code == VK_SUCCESS ? value : 0;
}

Status VulkanTimeline::wait(uint64_t value, std::chrono::nanoseconds timeout) {
  const Clock::time_point end = Clock::now() + std::min(timeout, kLongest);
  const VkSemaphore semaphore = this->semaphore();
  auto info = structure<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  while (true) {
    const std::chrono::nanoseconds left = std::max(end - Clock::now(), Clock::duration(0));
    const VkResult code = connection_->functions().vkWaitSemaphores(connection_->device(), &info,
                                                                    uint64_t(std::min(left, kLongestSlice).count()));
    if (code == VK_SUCCESS) return {};
    if (code != VK_TIMEOUT) fail_with(call_error(connection_->id(), "vkWaitSemaphores", code, ErrorCode::kDeviceLost));
    const std::lock_guard lock(mutex_);
    if (error_) return fail(*error_);
    if (left.count() == 0)
      return fail(ErrorCode::kTimeout, "timeline", "value " + std::to_string(value) + " was not reached in time");
  }
}

Status VulkanTimeline::growth(uint64_t value) const {
  if (error_) return fail(*error_);
  if (value > promised_) return {};
  return fail(
      ErrorCode::kInvalidArgument, "timeline",
      "signalled " + std::to_string(value) + " but it stands at " + std::to_string(promised_) + " or is about to");
}

Status VulkanTimeline::signal(uint64_t value) {
  const std::lock_guard lock(mutex_);
  TRIREME_TRY(growth(value));
  if (const uint64_t now = this->value(); now < promised_)
    return fail(ErrorCode::kInvalidArgument, "timeline",
                "signalled " + std::to_string(value) + " before what runs has signalled " + std::to_string(promised_));
  auto info = structure<VkSemaphoreSignalInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO);
  info.semaphore = semaphore();
  info.value = value;
  TRIREME_TRY(connection_->check(connection_->functions().vkSignalSemaphore(connection_->device(), &info),
                                 "vkSignalSemaphore", ErrorCode::kDeviceLost));
  promised_ = value;
  return {};
}

void VulkanTimeline::fail_with(Error error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
}

bool VulkanTimeline::promised(uint64_t value) const {
  const std::lock_guard lock(mutex_);
  return value <= promised_ && !error_;
}

Status VulkanTimeline::promise(uint64_t value) {
  const std::lock_guard lock(mutex_);
  TRIREME_TRY(growth(value));
  promised_ = value;
  return {};
}

}  // namespace trireme::vulkan
