#include "hal/host_timeline.h"

#include <algorithm>

namespace trireme {

uint64_t HostTimeline::value() const {
  std::lock_guard lock(mutex_);
  return value_;
}

Status HostTimeline::wait(uint64_t value, std::chrono::nanoseconds timeout) {
  // The clock's own arithmetic overflows with timeouts that mean "for ever".
  constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24 * 365);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::min(timeout, kLongest), [&] { return value_ >= value || error_; });
  if (value_ >= value) return {};
  if (error_) return fail(*error_);
  return fail(ErrorCode::kTimeout, "timeline",
              "value " + std::to_string(value) + " was not reached in time, it stands at " + std::to_string(value_));
}

// Whoever waits may free the timeline as soon as it sees the value, so waiters are notified before the lock is given
// up.
Status HostTimeline::signal(uint64_t value) {
  std::lock_guard lock(mutex_);
  if (error_) return fail(*error_);
  if (value <= value_)
    return fail(ErrorCode::kInvalidArgument, "timeline",
                "signalled " + std::to_string(value) + " but it stands at " + std::to_string(value_));
  value_ = value;
  changed_.notify_all();
  return {};
}

void HostTimeline::fail_with(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

}  // namespace trireme
