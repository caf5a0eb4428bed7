// The wrappers that the validation layer hands out in place of a device's own objects.
#pragma once

#include "hal/validation/tracker.h"

namespace trireme::validation {

// Errors: kInvalidArgument when the device behind the object is closed.
Status check_open(Tracker& tracker, const DeviceRecord& device, const char* object);

class CheckedBuffer final : public Buffer {
 public:
  CheckedBuffer(std::shared_ptr<Tracker> tracker, std::shared_ptr<BufferRecord> record);
  ~CheckedBuffer() override { tracker_->remove(this); }

  uint64_t size() const override { return size_; }
  Status write(uint64_t offset, std::span<const std::byte> data) override;
  Status read(uint64_t offset, std::span<std::byte> data) const override;
  Result<std::span<std::byte>> map() override;

 private:
  Status check_access(const char* doing, uint64_t offset, uint64_t bytes, bool writes) const;

  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<BufferRecord> record_;
  uint64_t size_;
};

class CheckedTimeline final : public Timeline {
 public:
  CheckedTimeline(std::shared_ptr<Tracker> tracker, std::shared_ptr<TimelineRecord> record);
  ~CheckedTimeline() override { tracker_->remove(this); }

  uint64_t value() const override;
  Status wait(uint64_t value, std::chrono::nanoseconds timeout) override;
  Status signal(uint64_t value) override;
  void fail_with(Error error) override { record_->inner->fail_with(std::move(error)); }

 private:
  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<TimelineRecord> record_;
};

class CheckedWeight final : public Weight {
 public:
  CheckedWeight(std::shared_ptr<Tracker> tracker, std::shared_ptr<DeviceRecord> device,
                std::shared_ptr<const Weight> inner);
  ~CheckedWeight() override { tracker_->count(*device_, Kind::kWeight, -1); }

  const TensorDesc& desc() const override { return inner_->desc(); }
  uint64_t device_bytes() const override { return inner_->device_bytes(); }
  bool keeps_source() const override { return inner_->keeps_source(); }
  bool serves(WeightUse use) const override { return inner_->serves(use); }

  const std::shared_ptr<DeviceRecord>& device() const { return device_; }
  const std::shared_ptr<const Weight>& inner() const { return inner_; }

 private:
  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<DeviceRecord> device_;
  std::shared_ptr<const Weight> inner_;
};

class CheckedOp final : public PreparedOp {
 public:
  CheckedOp(std::shared_ptr<Tracker> tracker, std::shared_ptr<DeviceRecord> device,
            std::shared_ptr<const PreparedOp> inner);
  ~CheckedOp() override { tracker_->count(*device_, Kind::kOp, -1); }

  const OpDesc& desc() const override { return inner_->desc(); }
  uint64_t workspace_bytes() const override { return inner_->workspace_bytes(); }

  const std::shared_ptr<DeviceRecord>& device() const { return device_; }
  const std::shared_ptr<const PreparedOp>& inner() const { return inner_; }

 private:
  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<DeviceRecord> device_;
  std::shared_ptr<const PreparedOp> inner_;
};

class CheckedList final : public CommandList {
 public:
  CheckedList(std::shared_ptr<Tracker> tracker, std::shared_ptr<ListRecord> record);
  ~CheckedList() override { tracker_->remove(this); }

  Status dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  Status barrier() override;
  Status finish() override;
  int64_t launches() const override { return record_->inner->launches(); }

 private:
  Status check_recording() const;
  Result<Access> resolve(const std::string& step, const std::string& operand, const BufferRange& range,
                         bool writes) const;
  Result<Access> resolve_count(const std::string& step, const BufferRange& range) const;
  Status check_order(const std::string& step, const std::vector<Access>& accesses) const;
  void keep(const std::vector<Access>& accesses);

  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<ListRecord> record_;
  size_t segment_ = 0;  // the first access after the last barrier
};

}  // namespace trireme::validation
