// HostQueue: runs submissions in order, for devices that compute on host threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "hal/timeline.h"

namespace trireme {

// A submission whose waits are already met, with nothing queued before it, runs on the calling thread before submit()
// returns: on a device that computes on host threads a hand-over would cost two thread wake-ups a token. Any other one
// runs on the queue's own thread, which is started when first needed.
class HostQueue {
 public:
  HostQueue() = default;
  // Finishes what was submitted. A submission whose waits are still unmet is cancelled: its signals fail with
  // kCancelled.
  ~HostQueue();
  HostQueue(const HostQueue&) = delete;
  HostQueue& operator=(const HostQueue&) = delete;

  // `work` runs once after all waits are met; then the signals are sent, or failed with its error.
  Status submit(std::function<Status()> work, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals);

 private:
  struct Entry {
    std::function<Status()> work;
    std::vector<TimelinePoint> waits;
    std::vector<TimelinePoint> signals;
  };

  void run_queue();
  bool is_stopping();

  std::mutex run_mutex_;  // held while work runs
  std::mutex mutex_;      // guards what follows
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  bool busy_ = false;  // the thread is running an entry that it has taken from entries_
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trireme
