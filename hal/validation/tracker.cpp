#include "hal/validation/tracker.h"

#include <algorithm>

namespace trireme::validation {
namespace {

template <typename Map>
typename Map::mapped_type lookup(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

tl::unexpected<Error> Tracker::found(Error error) {
  {
    std::lock_guard lock(mutex_);
    findings_.push_back(error);
  }
  if (report_) report_(error);
  return fail(std::move(error));
}

std::vector<Error> Tracker::findings() const {
  std::lock_guard lock(mutex_);
  return findings_;
}

void Tracker::add(const Buffer* wrapper, std::shared_ptr<BufferRecord> record) {
  count(*record->device, Kind::kBuffer, 1);
  std::lock_guard lock(mutex_);
  buffers_[wrapper] = std::move(record);
}
void Tracker::add(const CommandList* wrapper, std::shared_ptr<ListRecord> record) {
  count(*record->device, Kind::kList, 1);
  std::lock_guard lock(mutex_);
  lists_[wrapper] = std::move(record);
}
void Tracker::add(const Timeline* wrapper, std::shared_ptr<TimelineRecord> record) {
  count(*record->device, Kind::kTimeline, 1);
  std::lock_guard lock(mutex_);
  timelines_[wrapper] = std::move(record);
}

void Tracker::remove(const Buffer* wrapper) {
  bool in_flight = false;
  std::shared_ptr<BufferRecord> record;
  {
    std::lock_guard lock(mutex_);
    record = std::move(buffers_.extract(wrapper).mapped());
    record->freed = true;
    for (const Submission& submission : pending_) in_flight = in_flight || uses(submission, *record);
    if (!in_flight) record->inner.reset();
    --record->device->alive[size_t(Kind::kBuffer)];
  }
  if (in_flight)
    (void)found(
        misuse("buffer of " + record->device->id, "it was freed while a submission uses it", "wait before freeing it"));
}

void Tracker::remove(const CommandList* wrapper) {
  bool in_flight = false;
  std::shared_ptr<ListRecord> record;
  {
    std::lock_guard lock(mutex_);
    record = std::move(lists_.extract(wrapper).mapped());
    record->freed = true;
    for (const Submission& submission : pending_) in_flight = in_flight || submission.list == record;
    if (!in_flight) record->inner.reset();
    --record->device->alive[size_t(Kind::kList)];
  }
  if (in_flight)
    (void)found(
        misuse("command list of " + record->device->id, "it was freed while it is pending", "wait before freeing it"));
}

void Tracker::remove(const Timeline* wrapper) {
  bool in_flight = false;
  std::shared_ptr<TimelineRecord> record;
  {
    std::lock_guard lock(mutex_);
    record = std::move(timelines_.extract(wrapper).mapped());
    const auto same = [&](const Point& point) { return point.timeline == record; };
    for (const Submission& submission : pending_)
      in_flight =
          in_flight || std::ranges::any_of(submission.waits, same) || std::ranges::any_of(submission.signals, same);
    --record->device->alive[size_t(Kind::kTimeline)];
  }
  if (in_flight)
    (void)found(misuse("timeline of " + record->device->id, "it was freed while a submission uses it",
                       "wait before freeing it"));
}

void Tracker::count(DeviceRecord& device, Kind kind, int change) {
  std::lock_guard lock(mutex_);
  device.alive[size_t(kind)] += change;
}

std::shared_ptr<BufferRecord> Tracker::find(const Buffer* wrapper) const {
  std::lock_guard lock(mutex_);
  return lookup(buffers_, wrapper);
}
std::shared_ptr<ListRecord> Tracker::find(const CommandList* wrapper) const {
  std::lock_guard lock(mutex_);
  return lookup(lists_, wrapper);
}
std::shared_ptr<TimelineRecord> Tracker::find(const Timeline* wrapper) const {
  std::lock_guard lock(mutex_);
  return lookup(timelines_, wrapper);
}

Status Tracker::check_submission(const Submission& submission) const {
  const std::string what = "submit on " + submission.device->id;
  const ListRecord& list = *submission.list;
  if (!list.finished) return fail(misuse(what, "the list is not finished", "call finish() after recording"));
  for (const Submission& other : pending_)
    if (other.list == submission.list)
      return fail(
          misuse(what, "the list is still pending from an earlier submission", "wait before submitting it again"));
  for (const Access& access : list.accesses)
    if (access.buffer->freed)
      return fail(misuse(what, "a buffer that the list uses was freed", "keep it as long as the list"));
  for (size_t i = 0; i < submission.signals.size(); ++i) {
    const Point& signal = submission.signals[i];
    uint64_t stands = signal.timeline->scheduled;
    for (size_t j = 0; j < i; ++j)
      if (submission.signals[j].timeline == signal.timeline) stands = std::max(stands, submission.signals[j].value);
    if (signal.value <= stands)
      return fail(misuse(what,
                         "it signals " + std::to_string(signal.value) + " on a timeline that is at or will reach " +
                             std::to_string(stands),
                         "signal a larger value"));
    for (const Point& wait : submission.waits)
      if (wait.timeline == signal.timeline && wait.value >= signal.value)
        return fail(
            misuse(what, "it waits for a value that only comes after its own signal", "wait for a smaller value"));
  }
  return {};
}

Status Tracker::submit(const Submission& submission) {
  Status status;
  {
    std::lock_guard lock(mutex_);
    status = check_submission(submission);
    if (status) {
      for (const Point& signal : submission.signals) signal.timeline->scheduled = signal.value;
      pending_.push_back(submission);
    }
  }
  if (!status) return found(std::move(status).error());
  return {};
}

void Tracker::abandon(const Submission& submission) {
  std::lock_guard lock(mutex_);
  const auto entry =
      std::ranges::find_if(pending_, [&](const Submission& other) { return other.list == submission.list; });
  if (entry != pending_.end()) pending_.erase(entry);
}

bool Tracker::uses(const Submission& submission, const BufferRecord& buffer) const {
  return std::ranges::any_of(submission.list->accesses,
                             [&](const Access& access) { return access.buffer.get() == &buffer; });
}

bool Tracker::is_pending(const Access& access) const {
  // Such a one has not begun, and the host may fill what it will use; to read what it will write is still too early.
  const auto waits = [](const Point& point) { return point.timeline->inner->value() < point.value; };
  std::lock_guard lock(mutex_);
  for (const Submission& submission : pending_) {
    if (access.writes && std::ranges::any_of(submission.waits, waits)) continue;
    for (const Access& other : submission.list->accesses)
      if (access.conflicts(other)) return true;
  }
  return false;
}

void Tracker::release_freed(const Submission& done) {
  if (done.list->freed) done.list->inner.reset();
  for (const Access& access : done.list->accesses) {
    if (!access.buffer->freed) continue;
    if (std::ranges::none_of(pending_, [&](const Submission& other) { return uses(other, *access.buffer); }))
      access.buffer->inner.reset();
  }
}

// pending_[last] and everything before it on its device has run: so has everything that those waited for.
void Tracker::complete(size_t last) {
  const DeviceRecord* device = pending_[last].device.get();
  std::vector<Submission> done;
  for (size_t i = 0, end = last + 1; i < end;) {
    if (pending_[i].device.get() != device) {
      ++i;
      continue;
    }
    done.push_back(std::move(pending_[i]));
    pending_.erase(pending_.begin() + std::ptrdiff_t(i));
    --end;
  }
  for (const Submission& submission : done) {
    for (const auto* points : {&submission.waits, &submission.signals})
      for (const Point& point : *points) point.timeline->seen = std::max(point.timeline->seen, point.value);
    release_freed(submission);
  }
}

void Tracker::settle() {
  const auto done = [](const Submission& submission) {
    return std::ranges::any_of(submission.signals,
                               [](const Point& point) { return point.value <= point.timeline->seen; });
  };
  while (true) {
    const auto entry = std::ranges::find_if(pending_, done);
    if (entry == pending_.end()) return;
    complete(size_t(entry - pending_.begin()));
  }
}

void Tracker::see(TimelineRecord& timeline, uint64_t value) {
  std::lock_guard lock(mutex_);
  timeline.seen = std::max(timeline.seen, value);
  settle();
}

void Tracker::see_failure(TimelineRecord& timeline) {
  std::lock_guard lock(mutex_);
  timeline.seen = std::max(timeline.seen, timeline.scheduled);
  settle();
}

Status Tracker::signal_from_host(TimelineRecord& timeline, uint64_t value) {
  std::string why;
  {
    std::lock_guard lock(mutex_);
    const auto signals = [&](const Point& point) { return point.timeline.get() == &timeline; };
    for (const Submission& submission : pending_)
      if (std::ranges::any_of(submission.signals, signals))
        why = "the host signals it while a submission is to signal it";
    if (value <= timeline.scheduled)
      why = "signalled " + std::to_string(value) + " although it is at or will reach " +
            std::to_string(timeline.scheduled);
    if (why.empty()) timeline.scheduled = value;
  }
  if (why.empty()) return {};
  return found(misuse("timeline of " + timeline.device->id, std::move(why),
                      "signal values that grow, in the order of the waits"));
}

void Tracker::close(const std::shared_ptr<DeviceRecord>& device) {
  static constexpr std::array<const char*, kKinds> kNames = {"buffers", "weights", "ops", "command lists", "timelines"};
  std::string alive;
  std::vector<Submission> ending;
  {
    std::lock_guard lock(mutex_);
    device->open = false;
    for (size_t i = 0; i < kKinds; ++i)
      if (device->alive[i] > 0)
        alive += (alive.empty() ? "" : ", ") + std::string(kNames[i]) + ": " + std::to_string(device->alive[i]);
    for (const Submission& submission : pending_)
      if (submission.device == device) ending.push_back(submission);
  }
  if (!alive.empty())
    (void)found(misuse("device " + device->id, "it was closed while objects of it are alive (" + alive + ")",
                       "free them before"));
  device->inner.reset();
  // Someone else may still hold the undecorated device, which then works on.
  for (const Submission& submission : ending)
    for (const Point& signal : submission.signals)
      (void)signal.timeline->inner->wait(signal.value, std::chrono::seconds(5));
  std::lock_guard lock(mutex_);
  std::erase_if(pending_, [&](const Submission& submission) { return submission.device == device; });
}

}  // namespace trireme::validation
