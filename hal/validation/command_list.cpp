#include "hal/validation/objects.h"

namespace trireme::validation {
namespace {

// What an op does to each range that it is bound to.
struct Bound {
  std::string name;
  uint64_t bytes;
  bool writes;
};

std::vector<Bound> bound_operands(const PreparedOp& op) {
  const OpDesc& desc = op.desc();
  std::vector<bool> shared(desc.inputs.size(), false);
  std::vector<Bound> outputs;
  for (size_t i = 0; i < desc.outputs.size(); ++i) {
    const int input = aliased_input(desc.params, int(i));
    if (input >= 0)
      shared[size_t(input)] = true;
    else
      outputs.push_back({"output " + std::to_string(i), uint64_t(desc.outputs[i].bytes()), true});
  }
  // A reshape's output is its input's storage, and nothing is written.
  const bool writes_shared = !std::holds_alternative<Reshape>(desc.params);
  std::vector<Bound> bound;
  for (size_t i = 0; i < desc.inputs.size(); ++i)
    if (!desc.inputs[i].constant)
      bound.push_back(
          {"input " + std::to_string(i), uint64_t(desc.inputs[i].desc.bytes()), shared[i] && writes_shared});
  bound.insert(bound.end(), outputs.begin(), outputs.end());
  if (op.workspace_bytes() > 0) bound.push_back({"the workspace", op.workspace_bytes(), true});
  return bound;
}

bool has_domain(const OpDesc& desc, RowDomain domain) {
  for (const Operand& input : desc.inputs)
    if (input.desc.rows == domain) return true;
  for (const TensorDesc& output : desc.outputs)
    if (output.rows == domain) return true;
  return false;
}

BufferRange inner_range(const Access& access) { return {access.buffer->inner.get(), access.offset, access.bytes}; }

}  // namespace

CheckedList::CheckedList(std::shared_ptr<Tracker> tracker, std::shared_ptr<ListRecord> record)
    : tracker_(std::move(tracker)), record_(std::move(record)) {
  tracker_->add(this, record_);
}

Status CheckedList::check_recording() const {
  TRIREME_TRY(check_open(*tracker_, *record_->device, "command list"));
  if (record_->finished)
    return tracker_->found(
        misuse("command list of " + record_->device->id, "it is recorded after finish()", "create a new list"));
  return {};
}

Result<Access> CheckedList::resolve(const std::string& step, const std::string& operand, const BufferRange& range,
                                    bool writes) const {
  const std::string what = step + ", " + operand;
  if (!range) return tracker_->found(misuse(what, "it has no buffer"));
  auto buffer = tracker_->find(range.buffer);
  if (!buffer) return tracker_->found(misuse(what, "its buffer was freed, or was not made by a validated device"));
  if (buffer->device != record_->device)
    return tracker_->found(
        misuse(what, "its buffer belongs to " + buffer->device->id + ", not to " + record_->device->id));
  if (Status inside = check_range(range); !inside) return tracker_->found(misuse(what, inside.error().why()));
  return Access{std::move(buffer), range.offset, range.bytes, writes};
}

Result<Access> CheckedList::resolve_count(const std::string& step, const BufferRange& range) const {
  TRIREME_ASSIGN(Access access, resolve(step, "run-time count", range, false));
  if (access.bytes != sizeof(int32_t))
    return tracker_->found(
        misuse(step, "a run-time count is a range of " + std::to_string(access.bytes) + " bytes, not of one I32"));
  return access;
}

Status CheckedList::check_order(const std::string& step, const std::vector<Access>& accesses) const {
  for (size_t i = 0; i < accesses.size(); ++i) {
    const Access& access = accesses[i];
    const std::string where =
        "bytes " + std::to_string(access.offset) + " to " + std::to_string(access.offset + access.bytes);
    for (size_t j = 0; j < i; ++j)
      if (access.conflicts(accesses[j]))
        return tracker_->found(misuse(step, where + " of a buffer are two operands at once, and one is written",
                                      "give them ranges of their own"));
    for (size_t j = segment_; j < record_->accesses.size(); ++j)
      if (access.conflicts(record_->accesses[j]))
        return tracker_->found(misuse(
            step, where + " of a buffer are used by an earlier step without an order between them, and one writes",
            "record a barrier between them"));
  }
  return {};
}

void CheckedList::keep(const std::vector<Access>& accesses) {
  record_->accesses.insert(record_->accesses.end(), accesses.begin(), accesses.end());
}

Status CheckedList::dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) {
  TRIREME_TRY(check_recording());
  const auto checked = std::dynamic_pointer_cast<const CheckedOp>(op);
  if (!checked || checked->device() != record_->device)
    return tracker_->found(misuse("dispatch on " + record_->device->id, "the op was not prepared by this device"));
  const std::string step = checked->desc().text();
  const std::vector<Bound> bound = bound_operands(*checked);
  if (bound.size() != operands.ranges.size())
    return tracker_->found(misuse(
        step, "it takes " + std::to_string(bound.size()) + " ranges, not " + std::to_string(operands.ranges.size())));
  std::vector<Access> accesses;
  std::vector<BufferRange> ranges;
  for (size_t i = 0; i < bound.size(); ++i) {
    if (operands.ranges[i].bytes != bound[i].bytes)
      return tracker_->found(misuse(step, bound[i].name + " is a range of " + std::to_string(operands.ranges[i].bytes) +
                                              " bytes, it takes " + std::to_string(bound[i].bytes)));
    TRIREME_ASSIGN(Access access, resolve(step, bound[i].name, operands.ranges[i], bound[i].writes));
    ranges.push_back(inner_range(access));
    accesses.push_back(std::move(access));
  }
  BufferRange counts[2];
  const std::pair<RowDomain, const BufferRange*> domains[2] = {{RowDomain::kTokens, &operands.token_count},
                                                               {RowDomain::kOutputs, &operands.output_count}};
  for (size_t i = 0; i < 2; ++i) {
    if (!*domains[i].second && !has_domain(checked->desc(), domains[i].first)) continue;
    TRIREME_ASSIGN(Access access, resolve_count(step, *domains[i].second));
    counts[i] = inner_range(access);
    accesses.push_back(std::move(access));
  }
  TRIREME_TRY(check_order(step, accesses));
  TRIREME_TRY(record_->inner->dispatch(checked->inner(), {ranges, counts[0], counts[1]}));
  keep(accesses);
  return {};
}

Status CheckedList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_recording());
  std::vector<Access> accesses(2);
  TRIREME_ASSIGN(accesses[0], resolve("copy", "the source", source, false));
  TRIREME_ASSIGN(accesses[1], resolve("copy", "the target", target, true));
  if (source.bytes != target.bytes)
    return tracker_->found(misuse("copy", "the source has " + std::to_string(source.bytes) + " bytes and the target " +
                                              std::to_string(target.bytes)));
  TRIREME_TRY(check_order("copy", accesses));
  TRIREME_TRY(record_->inner->copy(inner_range(accesses[0]), inner_range(accesses[1])));
  keep(accesses);
  return {};
}

Status CheckedList::barrier() {
  TRIREME_TRY(check_recording());
  TRIREME_TRY(record_->inner->barrier());
  segment_ = record_->accesses.size();
  return {};
}

Status CheckedList::finish() {
  TRIREME_TRY(check_recording());
  TRIREME_TRY(record_->inner->finish());
  record_->finished = true;
  return {};
}

}  // namespace trireme::validation
