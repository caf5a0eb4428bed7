// HostTimeline: a Timeline in host memory, for devices that compute on host threads.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "hal/timeline.h"

namespace trireme {

class HostTimeline final : public Timeline {
 public:
  uint64_t value() const override;
  Status wait(uint64_t value, std::chrono::nanoseconds timeout) override;
  Status signal(uint64_t value) override;
  void fail_with(Error error) override;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t value_ = 0;
  std::optional<Error> error_;
};

}  // namespace trireme
