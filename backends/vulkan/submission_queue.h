// SubmissionQueue: brings lists to a device in the order of submission, and signals when they are over.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backends/vulkan/command_list.h"
#include "backends/vulkan/timeline.h"

namespace trireme::vulkan {

// The driver gets only what will end by itself: a list that waits for what is neither signalled nor about to be, by
// what the driver already has, is kept by a thread until it is, and all later ones behind it. So a wait that fails
// fails its list, and the device can be closed at any time. The driver waits for and signals timelines of this device;
// another thread signals those of others. Both threads are started when first needed.
class SubmissionQueue {
 public:
  explicit SubmissionQueue(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  // Waits until the driver is done. A submission whose waits are still unmet is cancelled: its signals fail with
  // kCancelled.
  ~SubmissionQueue();
  SubmissionQueue(const SubmissionQueue&) = delete;
  SubmissionQueue& operator=(const SubmissionQueue&) = delete;

  Status submit(VulkanKernelList& list, std::span<const TimelinePoint> waits, std::span<const TimelinePoint> signals);

 private:
  // Of this device.
  struct OwnPoint {
    VulkanTimeline* timeline = nullptr;
    uint64_t value = 0;
    TimelinePoint plain() const { return {timeline, value}; }
  };
  struct Submission {
    VulkanKernelList* list = nullptr;
    std::vector<OwnPoint> waits;
    std::vector<OwnPoint> signals;
    std::vector<TimelinePoint> foreign_waits;
    std::vector<TimelinePoint> foreign_signals;
    std::vector<SemaphorePoint> device_waits;
    std::vector<SemaphorePoint> device_signals;
    uint64_t number = 0;  // of the driver's submission
  };
  using Submissions = std::list<Submission>;

  void split(std::span<const TimelinePoint> points, std::vector<OwnPoint>& own,
             std::vector<TimelinePoint>& foreign) const;
  static bool met(const Submission& submission);
  void keep_waiting_ones();
  void signal_foreign_ones();
  Status wait_for(const Submission& submission);
  bool is_stopping();
  Status choose_semaphores(Submission& submission);
  void start(Submissions::iterator submission);
  void fail_signals(const Submission& submission, const Error& error);
  void retire(Submissions::iterator submission);

  std::shared_ptr<Connection> connection_;
  std::mutex order_mutex_;  // held while a list is given to the driver; locked before the other
  std::mutex mutex_;        // guards what follows
  std::condition_variable changed_;
  // Submissions move from list to list, so that a token allocates nothing.
  Submissions idle_;
  Submissions waiting_;
  Submissions starting_;
  Submissions running_;  // those that signal timelines of others
  bool busy_ = false;    // the first thread has one that is not yet given to the driver
  bool stopping_ = false;
  bool closing_ = false;  // nothing more will run
  std::thread waiter_;
  std::thread signaller_;
};

}  // namespace trireme::vulkan
