#include "hal/host_timeline.h"

namespace trireme {

uint64_t HostTimeline::value() const {
  std::lock_guard lock(mutex_);
  return value_;
}

Status HostTimeline::wait(uint64_t value, std::chrono::nanoseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return value_ >= value || error_; });
  if (value_ >= value) return {};
  if (error_) return fail(*error_);
  return fail(ErrorCode::kTimeout, "timeline",
              "value " + std::to_string(value) + " was not reached in time, it stands at " + std::to_string(value_));
}

Status HostTimeline::signal(uint64_t value) {
  {
    std::lock_guard lock(mutex_);
    if (error_) return fail(*error_);
    if (value <= value_)
      return fail(ErrorCode::kInvalidArgument, "timeline",
                  "signalled " + std::to_string(value) + " but it stands at " + std::to_string(value_));
    value_ = value;
  }
  changed_.notify_all();
  return {};
}

void HostTimeline::fail_with(Error error) {
  {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  changed_.notify_all();
}

}  // namespace trireme
