#include "hal/host_queue.h"

namespace trireme {
namespace {

void finish(const Status& status, std::span<const TimelinePoint> signals) {
  for (const TimelinePoint& point : signals) {
    if (status) {
      if (Status signalled = point.timeline->signal(point.value); !signalled)
        point.timeline->fail_with(std::move(signalled).error());
    } else {
      point.timeline->fail_with(status.error());
    }
  }
}

}  // namespace

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
  for (const auto points : {waits, signals})
    for (const TimelinePoint& point : points)
      if (!point.timeline) return fail(ErrorCode::kInvalidArgument, "submit", "a timeline is null");
  bool met = true;
  for (const TimelinePoint& point : waits) met = met && point.timeline->value() >= point.value;
  std::unique_lock lock(mutex_);
  if (met && entries_.empty() && !busy_) {
    std::lock_guard run_lock(run_mutex_);
    lock.unlock();
    finish(work(), signals);
    return {};
  }
  entries_.push_back({std::move(work), {waits.begin(), waits.end()}, {signals.begin(), signals.end()}});
  if (!thread_.joinable()) thread_ = std::thread([this] { run_queue(); });
  lock.unlock();
  changed_.notify_all();
  return {};
}

// A timeline knows nothing of the queue's end, so a wait looks up from time to time.
Status HostQueue::wait_for(const TimelinePoint& point) {
  constexpr std::chrono::milliseconds kSlice{50};
  while (true) {
    Status status = point.timeline->wait(point.value, kSlice);
    if (status || status.error().code() != ErrorCode::kTimeout) return status;
    std::lock_guard lock(mutex_);
    if (stopping_)
      return fail(ErrorCode::kCancelled, "submission",
                  "its device was closed before the value that it waits for was reached");
  }
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
    Status status;
    for (const TimelinePoint& point : entry.waits)
      if (status) status = wait_for(point);
    if (status) {
      std::lock_guard run_lock(run_mutex_);
      status = entry.work();
    }
    finish(status, entry.signals);
    lock.lock();
    busy_ = false;
  }
}

}  // namespace trireme
