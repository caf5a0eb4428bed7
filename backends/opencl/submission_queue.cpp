#include "backends/opencl/submission_queue.h"

#include <algorithm>

#include "hal/start_thread.h"
#include "hal/timeline_points.h"

namespace trireme::opencl {

SubmissionQueue::~SubmissionQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_.empty(); });
}

Status SubmissionQueue::submit(const OpenClKernelList& list, std::span<const TimelinePoint> waits,
                               std::span<const TimelinePoint> signals) {
  TRIREME_TRY(check_points(waits, signals));
  const bool met = all_reached(waits);

  std::lock_guard order(order_mutex_);
  std::unique_lock lock(mutex_);
  if (idle_.empty()) idle_.emplace_back();
  Submission& submission = idle_.front();
  submission.queue = this;
  submission.list = &list;
  submission.waits.assign(waits.begin(), waits.end());
  submission.signals.assign(signals.begin(), signals.end());
  if (met && waiting_.empty() && !busy_) {
    running_.splice(running_.end(), idle_, idle_.begin());
    lock.unlock();
    start(submission);
    return {};
  }
  TRIREME_TRY(start_thread(thread_, [this] { run_queue(); }));
  waiting_.splice(waiting_.end(), idle_, idle_.begin());
  changed_.notify_all();
  return {};
}

void SubmissionQueue::run_queue() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Submission& submission = waiting_.front();
    running_.splice(running_.end(), waiting_, waiting_.begin());
    busy_ = true;
    lock.unlock();
    if (const Status status = wait_unless(submission.waits, [&] { return is_stopping(); }); status) {
      std::lock_guard order(order_mutex_);
      start(submission);
    } else {
      complete(submission, status);
    }
    lock.lock();
    busy_ = false;
  }
}

bool SubmissionQueue::is_stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

Status SubmissionQueue::enqueue(Submission& submission) {
  const Library& library = connection_->library();
  TRIREME_ASSIGN(const Handle<cl_event> last, submission.list->enqueue());
  TRIREME_TRY(connection_->check(library.clFlush(connection_->lists()), "clFlush", ErrorCode::kDeviceLost));
  return connection_->check(library.clSetEventCallback(last.get(), CL_COMPLETE, on_complete, &submission),
                            "clSetEventCallback", ErrorCode::kDeviceLost);
}

// The callback may come, and the submission be another one, before this returns.
void SubmissionQueue::start(Submission& submission) {
  const Status status = enqueue(submission);
  if (status) return;
  // A part of the list may run, and uses what the caller frees when its signals fail.
  connection_->library().clFinish(connection_->lists());
  complete(submission, status);
}

void SubmissionQueue::on_complete(cl_event, cl_int status, void* submission) {
  auto& self = *static_cast<Submission*>(submission);
  const Connection& connection = *self.queue->connection_;
  Status result;
  if (status < 0) result = connection.check(status, "a command", ErrorCode::kDeviceLost);
  self.queue->complete(self, result);
}

void SubmissionQueue::complete(Submission& submission, const Status& status) {
  settle(status, submission.signals);
  std::lock_guard lock(mutex_);
  const auto self =
      std::find_if(running_.begin(), running_.end(), [&](const Submission& other) { return &other == &submission; });
  idle_.splice(idle_.end(), running_, self);
  // Notified under the lock: the destructor may go on as soon as it can have it.
  changed_.notify_all();
}

}  // namespace trireme::opencl
