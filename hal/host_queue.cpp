#include "hal/host_queue.h"

#include "hal/start_thread.h"
#include "hal/timeline_points.h"

namespace trireme {

HostQueue::~HostQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status HostQueue::submit(std::function<Status()> work, std::span<const TimelinePoint> waits,
                         std::span<const TimelinePoint> signals) {
  TRIREME_TRY(check_points(waits, signals));
  const bool met = all_reached(waits);
  std::unique_lock lock(mutex_);
  if (met && entries_.empty() && !busy_) {
    std::lock_guard run_lock(run_mutex_);
    lock.unlock();
    settle(work(), signals);
    return {};
  }
  TRIREME_TRY(start_thread(thread_, [this] { run_queue(); }));
  entries_.push_back({std::move(work), {waits.begin(), waits.end()}, {signals.begin(), signals.end()}});
  lock.unlock();
  changed_.notify_all();
  return {};
}

bool HostQueue::is_stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void HostQueue::run_queue() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !entries_.empty(); });
    if (entries_.empty()) return;
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    busy_ = true;
    lock.unlock();
    Status status = wait_unless(entry.waits, [&] { return is_stopping(); });
    if (status) {
      std::lock_guard run_lock(run_mutex_);
      status = entry.work();
    }
    settle(status, entry.signals);
    lock.lock();
    busy_ = false;
  }
}

}  // namespace trireme
