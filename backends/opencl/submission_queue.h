// SubmissionQueue: brings lists to a device in the order of submission, and signals when they are over.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backends/opencl/command_list.h"
#include "hal/timeline.h"

namespace trireme::opencl {

// A submission whose waits are already met, with none queued before it, is given to the driver before submit()
// returns. Any other one is given to it by the queue's own thread, which is started when first needed. Signals come
// from the driver's callback: with PoCL that is as quick as a host thread that waits for the event.
class SubmissionQueue {
 public:
  explicit SubmissionQueue(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  // Waits until the driver is done. A submission whose waits are still unmet is cancelled: its signals fail with
  // kCancelled.
  ~SubmissionQueue();
  SubmissionQueue(const SubmissionQueue&) = delete;
  SubmissionQueue& operator=(const SubmissionQueue&) = delete;

  Status submit(const OpenClKernelList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals);

 private:
  struct Submission {
    SubmissionQueue* queue = nullptr;
    const OpenClKernelList* list = nullptr;
    std::vector<TimelinePoint> waits;
    std::vector<TimelinePoint> signals;
  };

  static void CL_CALLBACK on_complete(cl_event event, cl_int status, void* submission);
  void run_queue();
  bool is_stopping();
  Status enqueue(Submission& submission);
  void start(Submission& submission);
  void complete(Submission& submission, const Status& status);

  std::shared_ptr<Connection> connection_;
  std::mutex order_mutex_;  // held while a list is given to the driver; locked before the other
  std::mutex mutex_;        // guards what follows
  std::condition_variable changed_;
  // Submissions move from list to list, so that a token allocates nothing.
  std::list<Submission> idle_;
  std::list<Submission> waiting_;
  std::list<Submission> running_;
  bool busy_ = false;  // the thread has one that is not yet given to the driver
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trireme::opencl
