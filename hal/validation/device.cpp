#include "hal/validation.h"
#include "hal/validation/objects.h"

namespace trireme {
namespace validation {
namespace {

class CheckedDevice final : public Device {
 public:
  CheckedDevice(std::shared_ptr<Device> inner, std::shared_ptr<Tracker> tracker)
      : inner_(inner.get()), tracker_(std::move(tracker)), record_(std::make_shared<DeviceRecord>()) {
    record_->id = inner_->info().id;
    record_->inner = std::move(inner);
  }
  ~CheckedDevice() override { tracker_->close(record_); }

  const DeviceInfo& info() const override { return inner_->info(); }
  std::vector<MemoryHeap> memory() const override { return inner_->memory(); }
  uint64_t loading_bytes() const override { return inner_->loading_bytes(); }
  MeasuredSpeed measure_speed() override { return inner_->measure_speed(); }
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override;
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override { return wrap(inner_->allocate(bytes)); }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override {
    return wrap(inner_->import_host(memory));
  }
  Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) override;
  Result<std::shared_ptr<const PreparedOp>> prepare(const OpDesc& op,
                                                    std::span<const std::shared_ptr<const Weight>> constants) override;
  Result<std::unique_ptr<CommandList>> create_command_list() override;
  Result<std::shared_ptr<Timeline>> create_timeline() override;
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override;

 private:
  Result<std::shared_ptr<Buffer>> wrap(Result<std::shared_ptr<Buffer>> buffer);
  Result<std::vector<std::shared_ptr<const Weight>>> unwrap(const OpDesc& op,
                                                            std::span<const std::shared_ptr<const Weight>> constants);
  Result<std::vector<Point>> points(std::span<const TimelinePoint> points);

  Device* inner_;
  std::shared_ptr<Tracker> tracker_;
  std::shared_ptr<DeviceRecord> record_;
};

std::vector<Assessment> CheckedDevice::assess(std::span<const OpDesc> ops) const {
  auto answers = inner_->assess(ops);
  if (answers.size() != ops.size())
    (void)tracker_->found(
        Error(ErrorCode::kInternal, "assess on " + record_->id,
              std::to_string(answers.size()) + " answers for " + std::to_string(ops.size()) + " ops"));
  return answers;
}

Result<std::shared_ptr<Buffer>> CheckedDevice::wrap(Result<std::shared_ptr<Buffer>> buffer) {
  if (!buffer) return buffer;
  auto record = std::make_shared<BufferRecord>();
  record->device = record_;
  record->inner = std::move(*buffer);
  return std::make_shared<CheckedBuffer>(tracker_, std::move(record));
}

Result<std::shared_ptr<const Weight>> CheckedDevice::prepare_weight(const HostTensor& tensor, WeightUse use) {
  TRIREME_ASSIGN(auto weight, inner_->prepare_weight(tensor, use));
  if (weight->desc() != tensor.desc)
    return tracker_->found(
        Error(ErrorCode::kInternal, "prepare_weight on " + record_->id,
              tensor.name + " is " + tensor.desc.text() + " but the weight says " + weight->desc().text()));
  return std::make_shared<CheckedWeight>(tracker_, record_, std::move(weight));
}

Result<std::vector<std::shared_ptr<const Weight>>> CheckedDevice::unwrap(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) {
  std::vector<std::shared_ptr<const Weight>> weights;
  for (const Operand& input : op.inputs) {
    if (!input.constant) continue;
    const size_t next = weights.size();
    const auto weight =
        next < constants.size() ? std::dynamic_pointer_cast<const CheckedWeight>(constants[next]) : nullptr;
    if (!weight || weight->device() != record_ || weight->desc() != input.desc)
      return tracker_->found(
          misuse(op.text(), "constant " + std::to_string(next) + " is no " + input.desc.text() + " of " + record_->id));
    weights.push_back(weight->inner());
  }
  if (weights.size() != constants.size())
    return tracker_->found(misuse(op.text(), std::to_string(constants.size()) + " constants are given, it has " +
                                                 std::to_string(weights.size())));
  return weights;
}

Result<std::shared_ptr<const PreparedOp>> CheckedDevice::prepare(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) {
  const auto answers = inner_->assess({&op, 1});
  const bool promised = answers.size() == 1 && std::holds_alternative<OpCost>(answers[0]);
  std::vector<std::shared_ptr<const Weight>> weights;
  if (promised) {
    TRIREME_ASSIGN(weights, unwrap(op, constants));
  }
  auto prepared = inner_->prepare(op, weights);
  if (promised != prepared.has_value() && (prepared || prepared.error().code() == ErrorCode::kUnsupported))
    return tracker_->found(
        Error(ErrorCode::kInternal, op.text(), record_->id + ": assess() and prepare() do not agree"));
  if (!prepared) return fail(std::move(prepared).error());
  return std::make_shared<CheckedOp>(tracker_, record_, std::move(*prepared));
}

Result<std::unique_ptr<CommandList>> CheckedDevice::create_command_list() {
  auto record = std::make_shared<ListRecord>();
  record->device = record_;
  TRIREME_ASSIGN(record->inner, inner_->create_command_list());
  return std::make_unique<CheckedList>(tracker_, std::move(record));
}

Result<std::shared_ptr<Timeline>> CheckedDevice::create_timeline() {
  auto record = std::make_shared<TimelineRecord>();
  record->device = record_;
  TRIREME_ASSIGN(record->inner, inner_->create_timeline());
  return std::make_shared<CheckedTimeline>(tracker_, std::move(record));
}

Result<std::vector<Point>> CheckedDevice::points(std::span<const TimelinePoint> wanted) {
  std::vector<Point> points;
  for (const TimelinePoint& point : wanted) {
    auto record = tracker_->find(point.timeline);
    if (!record)
      return tracker_->found(
          misuse("submit on " + record_->id, "a timeline was freed, or was not made by a validated device"));
    points.push_back({std::move(record), point.value});
  }
  return points;
}

Status CheckedDevice::submit(CommandList& list, std::span<const TimelinePoint> waits,
                             std::span<const TimelinePoint> signals) {
  Submission submission;
  submission.device = record_;
  submission.list = tracker_->find(&list);
  if (!submission.list || submission.list->device != record_)
    return tracker_->found(misuse("submit on " + record_->id, "the list was freed, or was not made by this device"));
  TRIREME_ASSIGN(submission.waits, points(waits));
  TRIREME_ASSIGN(submission.signals, points(signals));
  TRIREME_TRY(tracker_->submit(submission));
  const auto inner_points = [](const std::vector<Point>& wrapped) {
    std::vector<TimelinePoint> inner;
    for (const Point& point : wrapped) inner.push_back({point.timeline->inner.get(), point.value});
    return inner;
  };
  Status status =
      inner_->submit(*submission.list->inner, inner_points(submission.waits), inner_points(submission.signals));
  if (!status) tracker_->abandon(submission);
  return status;
}

}  // namespace
}  // namespace validation

Validation::Validation(std::function<void(const Error&)> report)
    : tracker_(std::make_shared<validation::Tracker>(std::move(report))) {}

std::vector<Error> Validation::findings() const { return tracker_->findings(); }

std::shared_ptr<Device> validate(std::shared_ptr<Device> device, const Validation& validation) {
  return std::make_shared<validation::CheckedDevice>(std::move(device), validation.tracker());
}

}  // namespace trireme
