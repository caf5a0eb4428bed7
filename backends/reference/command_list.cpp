#include "backends/reference/command_list.h"

#include <cstring>

#include "backends/reference/buffer.h"

namespace trireme::reference {
namespace {

// Operands start where any element type may: loops read them as arrays.
constexpr uint64_t kOperandAlignment = 4;

}  // namespace

Status HostCommandList::check_open() const {
  if (finished_) return fail(ErrorCode::kInvalidArgument, "command list", "it is already finished");
  return {};
}

Result<const int32_t*> HostCommandList::count(const BufferRange& range) const {
  if (!range) return nullptr;
  TRIREME_ASSIGN(std::byte * data, resolve(device_, range));
  if (range.bytes != sizeof(int32_t) || reinterpret_cast<uintptr_t>(data) % alignof(int32_t) != 0)
    return fail(ErrorCode::kInvalidArgument, "command list", "a run-time count is one aligned I32");
  return reinterpret_cast<const int32_t*>(data);
}

Status HostCommandList::dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) {
  TRIREME_TRY(check_open());
  auto kernel = std::dynamic_pointer_cast<const Kernel>(std::move(op));
  if (!kernel) return fail(ErrorCode::kInvalidArgument, "command list", "the op was prepared by another device");
  const std::vector<TensorDesc>& bound = kernel->bound();
  if (operands.ranges.size() != bound.size())
    return fail(
        ErrorCode::kInvalidArgument, kernel->desc().text(),
        "it takes " + std::to_string(bound.size()) + " operands, not " + std::to_string(operands.ranges.size()));
  std::vector<std::byte*> memory;
  for (size_t i = 0; i < bound.size(); ++i) {
    TRIREME_ASSIGN(std::byte * data, resolve(device_, operands.ranges[i]));
    if (operands.ranges[i].bytes != uint64_t(bound[i].bytes()) ||
        reinterpret_cast<uintptr_t>(data) % kOperandAlignment != 0)
      return fail(ErrorCode::kInvalidArgument, kernel->desc().text(),
                  "operand " + std::to_string(i) + " is a range of " + std::to_string(operands.ranges[i].bytes) +
                      " bytes, not an aligned one of " + std::to_string(bound[i].bytes()));
    memory.push_back(data);
  }
  Step step;
  step.call = kernel->call(memory);
  TRIREME_ASSIGN(step.call.token_count, count(operands.token_count));
  TRIREME_ASSIGN(step.call.output_count, count(operands.output_count));
  step.kernel = std::move(kernel);
  steps_.push_back(std::move(step));
  return {};
}

Status HostCommandList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_open());
  Step step;
  TRIREME_ASSIGN(step.source, resolve(device_, source));
  TRIREME_ASSIGN(step.target, resolve(device_, target));
  if (source.bytes != target.bytes || source.overlaps(target))
    return fail(ErrorCode::kInvalidArgument, "command list", "a copy needs two ranges of one size that do not overlap");
  step.bytes = size_t(source.bytes);
  steps_.push_back(std::move(step));
  return {};
}

Status HostCommandList::finish() {
  TRIREME_TRY(check_open());
  finished_ = true;
  return {};
}

Status HostCommandList::run() const {
  for (const Step& step : steps_) {
    if (step.kernel) {
      TRIREME_TRY(step.kernel->run(step.call));
    } else if (step.bytes != 0) {
      std::memcpy(step.target, step.source, step.bytes);
    }
  }
  return {};
}

}  // namespace trireme::reference
