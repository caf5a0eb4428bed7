#include "hal/validation/objects.h"

namespace trireme::validation {

Status check_open(Tracker& tracker, const DeviceRecord& device, const char* object) {
  if (device.open) return {};
  return tracker.found(Error(ErrorCode::kInvalidArgument, object + (" of " + device.id),
                             "it is used after its device was closed", "keep the device as long as its objects"));
}

CheckedBuffer::CheckedBuffer(std::shared_ptr<Tracker> tracker, std::shared_ptr<BufferRecord> record)
    : tracker_(std::move(tracker)), record_(std::move(record)), size_(record_->inner->size()) {
  tracker_->add(this, record_);
}

Status CheckedBuffer::check_access(const char* doing, uint64_t offset, uint64_t bytes, bool writes) const {
  TRIREME_TRY(check_open(*tracker_, *record_->device, "buffer"));
  const std::string what = std::string(doing) + " a buffer of " + record_->device->id;
  if (Status inside = check_range({const_cast<CheckedBuffer*>(this), offset, bytes}); !inside)
    return tracker_->found(Error(ErrorCode::kInvalidArgument, what, inside.error().why()));
  if (tracker_->is_pending({record_, offset, bytes, writes}))
    return tracker_->found(Error(ErrorCode::kInvalidArgument, what,
                                 "a pending submission " + std::string(writes ? "uses" : "writes") + " bytes " +
                                     std::to_string(offset) + " to " + std::to_string(offset + bytes),
                                 "wait for its signal before"));
  return {};
}

Status CheckedBuffer::write(uint64_t offset, std::span<const std::byte> data) {
  TRIREME_TRY(check_access("writing", offset, data.size(), true));
  return record_->inner->write(offset, data);
}

Status CheckedBuffer::read(uint64_t offset, std::span<std::byte> data) const {
  TRIREME_TRY(check_access("reading", offset, data.size(), false));
  return record_->inner->read(offset, data);
}

Result<std::span<std::byte>> CheckedBuffer::map() {
  TRIREME_TRY(check_access("mapping", 0, size_, false));
  return record_->inner->map();
}

CheckedTimeline::CheckedTimeline(std::shared_ptr<Tracker> tracker, std::shared_ptr<TimelineRecord> record)
    : tracker_(std::move(tracker)), record_(std::move(record)) {
  tracker_->add(this, record_);
}

uint64_t CheckedTimeline::value() const {
  const uint64_t value = record_->inner->value();
  tracker_->see(*record_, value);
  return value;
}

Status CheckedTimeline::wait(uint64_t value, std::chrono::nanoseconds timeout) {
  TRIREME_TRY(check_open(*tracker_, *record_->device, "timeline"));
  Status status = record_->inner->wait(value, timeout);
  if (status) tracker_->see(*record_, value);
  if (!status && status.error().code() != ErrorCode::kTimeout) tracker_->see_failure(*record_);
  return status;
}

Status CheckedTimeline::signal(uint64_t value) {
  TRIREME_TRY(check_open(*tracker_, *record_->device, "timeline"));
  TRIREME_TRY(tracker_->signal_from_host(*record_, value));
  return record_->inner->signal(value);
}

CheckedWeight::CheckedWeight(std::shared_ptr<Tracker> tracker, std::shared_ptr<DeviceRecord> device,
                             std::shared_ptr<const Weight> inner)
    : tracker_(std::move(tracker)), device_(std::move(device)), inner_(std::move(inner)) {
  tracker_->count(*device_, Kind::kWeight, 1);
}

CheckedOp::CheckedOp(std::shared_ptr<Tracker> tracker, std::shared_ptr<DeviceRecord> device,
                     std::shared_ptr<const PreparedOp> inner)
    : tracker_(std::move(tracker)), device_(std::move(device)), inner_(std::move(inner)) {
  tracker_->count(*device_, Kind::kOp, 1);
}

}  // namespace trireme::validation
