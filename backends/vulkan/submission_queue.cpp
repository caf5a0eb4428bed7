#include "backends/vulkan/submission_queue.h"

#include <algorithm>

#include "hal/start_thread.h"
#include "hal/timeline_points.h"

namespace trireme::vulkan {

SubmissionQueue::~SubmissionQueue() {
  const auto stop = [&](bool& flag, std::thread& thread) {
    {
      const std::lock_guard lock(mutex_);
      flag = true;
      changed_.notify_all();
    }
    if (thread.joinable()) thread.join();
  };
  stop(stopping_, waiter_);
  stop(closing_, signaller_);
  static_cast<void>(connection_->finish_all());
}

void SubmissionQueue::split(std::span<const TimelinePoint> points, std::vector<OwnPoint>& own,
                            std::vector<TimelinePoint>& foreign) const {
  own.clear();
  foreign.clear();
  for (const TimelinePoint& point : points) {
    auto* const timeline = dynamic_cast<VulkanTimeline*>(point.timeline);
    if (timeline && timeline->connection() == connection_.get())
      own.push_back({timeline, point.value});
    else
      foreign.push_back(point);
  }
}

bool SubmissionQueue::met(const Submission& submission) {
  return std::ranges::all_of(
             submission.waits,
             [](const OwnPoint& point) { return point.timeline->promised(point.value) || reached(point.plain()); }) &&
         all_reached(submission.foreign_waits);
}

Status SubmissionQueue::submit(VulkanKernelList& list, std::span<const TimelinePoint> waits,
                               std::span<const TimelinePoint> signals) {
  TRIREME_TRY(check_points(waits, signals));

  const std::lock_guard order(order_mutex_);
  std::unique_lock lock(mutex_);
  if (idle_.empty()) idle_.emplace_back();
  const auto submission = idle_.begin();
  submission->list = &list;
  split(waits, submission->waits, submission->foreign_waits);
  split(signals, submission->signals, submission->foreign_signals);
  if (!submission->foreign_signals.empty()) TRIREME_TRY(start_thread(signaller_, [this] { signal_foreign_ones(); }));
  if (waiting_.empty() && !busy_ && met(*submission)) {
    starting_.splice(starting_.end(), idle_, submission);
    lock.unlock();
    start(submission);
    return {};
  }
  TRIREME_TRY(start_thread(waiter_, [this] { keep_waiting_ones(); }));
  waiting_.splice(waiting_.end(), idle_, submission);
  changed_.notify_all();
  return {};
}

void SubmissionQueue::keep_waiting_ones() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto submission = waiting_.begin();
    starting_.splice(starting_.end(), waiting_, submission);
    busy_ = true;
    lock.unlock();
    if (const Status status = wait_for(*submission); status) {
      const std::lock_guard order(order_mutex_);
      start(submission);
    } else {
      fail_signals(*submission, status.error());
      retire(submission);
    }
    lock.lock();
    busy_ = false;
  }
}

bool SubmissionQueue::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

Status SubmissionQueue::wait_for(const Submission& submission) {
  const auto stopping = [&] { return is_stopping(); };
  for (const OwnPoint& point : submission.waits) {
    const TimelinePoint plain = point.plain();
    if (!point.timeline->promised(point.value)) TRIREME_TRY(wait_unless({&plain, 1}, stopping));
  }
  return wait_unless(submission.foreign_waits, stopping);
}

// What the driver waits for and signals. Errors: that of a timeline which has failed since its wait was met.
Status SubmissionQueue::choose_semaphores(Submission& submission) {
  submission.device_waits.clear();
  submission.device_signals.clear();
  for (const OwnPoint& point : submission.waits) {
    if (point.timeline->promised(point.value))
      submission.device_waits.push_back({point.timeline->semaphore(), point.value});
    else
      TRIREME_TRY(point.timeline->wait(point.value, {}));
  }
  for (const OwnPoint& point : submission.signals) {
    if (Status promised = point.timeline->promise(point.value); !promised)
      point.timeline->fail_with(std::move(promised).error());
    else
      submission.device_signals.push_back({point.timeline->semaphore(), point.value});
  }
  return {};
}

// Once the driver has it, whoever sees the last signal may free the list and the timelines.
void SubmissionQueue::start(Submissions::iterator submission) {
  Status status = choose_semaphores(*submission);
  const bool foreign = !submission->foreign_signals.empty();
  std::atomic<uint64_t>& number = submission->list->submission();
  if (status)
    status =
        connection_->submit(submission->list->commands(), submission->device_waits, submission->device_signals, number);
  if (!status) {
    fail_signals(*submission, status.error());
    return retire(submission);
  }
  if (!foreign) return retire(submission);
  submission->number = number;  // the list is alive until its foreign signals arrive
  const std::lock_guard lock(mutex_);
  running_.splice(running_.end(), starting_, submission);
  changed_.notify_all();
}

void SubmissionQueue::signal_foreign_ones() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !running_.empty(); });
    if (running_.empty()) return;
    const auto submission = running_.begin();
    starting_.splice(starting_.end(), running_, submission);
    lock.unlock();
    if (const Status status = connection_->finish(submission->number); !status)
      fail_signals(*submission, status.error());
    else
      settle({}, submission->foreign_signals);
    retire(submission);
    lock.lock();
  }
}

void SubmissionQueue::fail_signals(const Submission& submission, const Error& error) {
  for (const OwnPoint& point : submission.signals) point.timeline->fail_with(error);
  for (const TimelinePoint& point : submission.foreign_signals) point.timeline->fail_with(error);
}

void SubmissionQueue::retire(Submissions::iterator submission) {
  const std::lock_guard lock(mutex_);
  idle_.splice(idle_.end(), starting_, submission);
}

}  // namespace trireme::vulkan
