// Timeline: a counter that only grows, which submissions wait for and signal.
#pragma once

#include <chrono>
#include <cstdint>

#include "hal/result.h"

namespace trireme {

class Timeline {
 public:
  virtual ~Timeline() = default;

  // The largest value that was signalled.
  virtual uint64_t value() const = 0;

  // Errors: the stored error when the timeline has failed, kTimeout when the value was not reached in time.
  virtual Status wait(uint64_t value, std::chrono::nanoseconds timeout) = 0;

  // Signals from the host. kInvalidArgument when the value does not grow.
  virtual Status signal(uint64_t value) = 0;

  // Every present and future wait beyond value() returns this error. The first error stays.
  virtual void fail_with(Error error) = 0;
};

struct TimelinePoint {
  Timeline* timeline = nullptr;
  uint64_t value = 0;
};

}  // namespace trireme
