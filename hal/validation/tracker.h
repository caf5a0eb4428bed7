// Tracker: what the validation layer knows of every object and pending submission.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "hal/device.h"

namespace trireme::validation {

// The error that every finding of the validation layer is.
inline Error misuse(std::string what, std::string why, std::string remedy = {}) {
  return Error(ErrorCode::kInvalidArgument, std::move(what), std::move(why), std::move(remedy));
}

// Kinds of objects that a device hands out, counted for leaks.
enum class Kind { kBuffer, kWeight, kOp, kList, kTimeline };
constexpr size_t kKinds = 5;

struct DeviceRecord {
  std::shared_ptr<Device> inner;
  std::string id;
  std::atomic<bool> open = true;
  std::array<int, kKinds> alive{};
};

// The inner objects stay alive while a pending submission uses them, also when their wrapper is gone.
struct BufferRecord {
  std::shared_ptr<DeviceRecord> device;
  std::shared_ptr<Buffer> inner;
  bool freed = false;
};

// What one step does to one range.
struct Access {
  std::shared_ptr<BufferRecord> buffer;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool writes = false;

  bool conflicts(const Access& other) const {
    return buffer == other.buffer && (writes || other.writes) && offset < other.offset + other.bytes &&
           other.offset < offset + bytes;
  }
};

struct ListRecord {
  std::shared_ptr<DeviceRecord> device;
  std::unique_ptr<CommandList> inner;
  std::vector<Access> accesses;
  bool finished = false;
  bool freed = false;
};

struct TimelineRecord {
  std::shared_ptr<DeviceRecord> device;
  std::shared_ptr<Timeline> inner;
  uint64_t scheduled = 0;  // the largest value that was signalled or that a submission will signal
  uint64_t seen = 0;       // the largest value that the host knows to be reached
};

struct Point {
  std::shared_ptr<TimelineRecord> timeline;
  uint64_t value = 0;
};

struct Submission {
  std::shared_ptr<DeviceRecord> device;
  std::shared_ptr<ListRecord> list;
  std::vector<Point> waits;
  std::vector<Point> signals;
};

class Tracker {
 public:
  explicit Tracker(std::function<void(const Error&)> report) : report_(std::move(report)) {}

  // Records a finding and gives it back as the error of the call.
  tl::unexpected<Error> found(Error error);
  std::vector<Error> findings() const;

  void add(const Buffer* wrapper, std::shared_ptr<BufferRecord> record);
  void add(const CommandList* wrapper, std::shared_ptr<ListRecord> record);
  void add(const Timeline* wrapper, std::shared_ptr<TimelineRecord> record);
  void remove(const Buffer* wrapper);
  void remove(const CommandList* wrapper);
  void remove(const Timeline* wrapper);
  void count(DeviceRecord& device, Kind kind, int change);

  // Looks a pointer up without touching what it points at. Null when it is unknown or freed.
  std::shared_ptr<BufferRecord> find(const Buffer* wrapper) const;
  std::shared_ptr<ListRecord> find(const CommandList* wrapper) const;
  std::shared_ptr<TimelineRecord> find(const Timeline* wrapper) const;

  // Every rule of submit(). On success the submission is pending; abandon() takes it back when the device refuses it.
  Status submit(const Submission& submission);
  void abandon(const Submission& submission);

  // Whether a pending submission that may have begun uses the range in a way that conflicts with this access by the
  // host.
  bool is_pending(const Access& access) const;

  // The host saw the timeline at the value, or saw it fail.
  void see(TimelineRecord& timeline, uint64_t value);
  void see_failure(TimelineRecord& timeline);
  Status signal_from_host(TimelineRecord& timeline, uint64_t value);

  // The device is closed: reports what is still alive, and forgets its submissions once they have ended.
  void close(const std::shared_ptr<DeviceRecord>& device);

 private:
  Status check_submission(const Submission& submission) const;
  bool uses(const Submission& submission, const BufferRecord& buffer) const;
  void complete(size_t last);
  void settle();
  void release_freed(const Submission& done);

  mutable std::mutex mutex_;
  std::function<void(const Error&)> report_;
  std::vector<Error> findings_;
  std::map<const Buffer*, std::shared_ptr<BufferRecord>> buffers_;
  std::map<const CommandList*, std::shared_ptr<ListRecord>> lists_;
  std::map<const Timeline*, std::shared_ptr<TimelineRecord>> timelines_;
  std::vector<Submission> pending_;  // in order of submission, all devices together
};

}  // namespace trireme::validation
