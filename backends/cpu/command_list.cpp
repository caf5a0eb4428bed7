#include "backends/cpu/command_list.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/buffer.h"
#include "backends/cpu/operand_map.h"

namespace trireme::cpu {
namespace {

constexpr uint64_t kCopyChunk = 256 << 10;

class CopyKernel final : public Kernel {
 public:
  explicit CopyKernel(uint64_t bytes) : bytes_(bytes) {}

  int64_t chunks(int, const KernelArgs&) const override { return int64_t((bytes_ + kCopyChunk - 1) / kCopyChunk); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const uint64_t begin = uint64_t(chunk) * kCopyChunk;
    std::memcpy(args.operands[1] + begin, args.operands[0] + begin, std::min(kCopyChunk, bytes_ - begin));
  }

 private:
  uint64_t bytes_;
};

Result<std::byte*> resolve(const void* device, const BufferRange& range, uint64_t bytes, const std::string& what) {
  const auto* buffer = dynamic_cast<const CpuBuffer*>(range.buffer);
  if (!buffer || buffer->device() != device)
    return fail(ErrorCode::kInvalidArgument, what, "its buffer does not belong to this device");
  TRIREME_TRY(check_range(range));
  if (range.bytes < bytes)
    return fail(ErrorCode::kInvalidArgument, what,
                "its range has " + std::to_string(range.bytes) + " of " + std::to_string(bytes) + " bytes");
  return buffer->data() + range.offset;
}

// Kernels read their operands by typed loads, which a misaligned offset would make undefined.
Result<std::byte*> resolve_operand(const void* device, const BufferRange& range, const TensorDesc& desc,
                                   const std::string& what) {
  TRIREME_ASSIGN(std::byte * pointer, resolve(device, range, uint64_t(desc.bytes()), what));
  const auto alignment = uintptr_t(desc.format->plain ? dtype_size(*desc.format->plain) : 4);
  if (reinterpret_cast<uintptr_t>(pointer) % alignment != 0)
    return fail(ErrorCode::kInvalidArgument, what, "its offset is not a multiple of its element size");
  return pointer;
}

}  // namespace

Status CpuCommandList::check_open() const {
  if (finished_) return fail(ErrorCode::kInvalidArgument, "command list of cpu:0", "it is finished");
  return {};
}

Status CpuCommandList::dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) {
  TRIREME_TRY(check_open());
  const auto* prepared = dynamic_cast<const CpuPreparedOp*>(op.get());
  if (!prepared || prepared->device() != device_)
    return fail(ErrorCode::kInvalidArgument, "dispatch on cpu:0", "the op was prepared by another device");
  const OpDesc& desc = prepared->desc();
  const std::vector<TensorDesc> bound = bound_operands(desc);
  const uint64_t workspace_bytes = prepared->workspace_bytes();
  const size_t expected = bound.size() + (workspace_bytes > 0 ? 1 : 0);
  if (operands.ranges.size() != expected)
    return fail(ErrorCode::kInvalidArgument, "dispatch of " + desc.text(),
                std::to_string(operands.ranges.size()) + " ranges were given, not " + std::to_string(expected));
  std::vector<std::byte*> pointers;
  for (size_t i = 0; i < bound.size(); ++i) {
    TRIREME_ASSIGN(std::byte * pointer, resolve_operand(device_, operands.ranges[i], bound[i],
                                                        "operand " + std::to_string(i) + " of " + desc.text()));
    pointers.push_back(pointer);
  }
  Step step;
  step.kernel = &prepared->kernel();
  step.phases = step.kernel->phases();
  if (workspace_bytes > 0) {
    TRIREME_ASSIGN(step.workspace,
                   resolve(device_, operands.ranges.back(), workspace_bytes, "workspace of " + desc.text()));
    if (reinterpret_cast<uintptr_t>(step.workspace) % 64 != 0)
      return fail(ErrorCode::kInvalidArgument, "workspace of " + desc.text(), "its offset is not a multiple of 64");
  }
  const TensorDesc& rows = row_tensor(desc);
  step.capacity = rows.shape.rank() == 0 ? 1 : rows.shape[0];
  const BufferRange& count = rows.rows == RowDomain::kTokens ? operands.token_count : operands.output_count;
  if (rows.rows != RowDomain::kFixed && count) {
    TRIREME_ASSIGN(step.count, resolve(device_, count, 4, "row count of " + desc.text()));
  }
  ops_.push_back(std::move(op));
  return add_step(nullptr, step, pointers);
}

Status CpuCommandList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_open());
  if (source.bytes != target.bytes)
    return fail(ErrorCode::kInvalidArgument, "copy on cpu:0", "source and target differ in size");
  if (source.overlaps(target)) return fail(ErrorCode::kInvalidArgument, "copy on cpu:0", "source and target overlap");
  TRIREME_ASSIGN(std::byte * from, resolve(device_, source, source.bytes, "source of a copy"));
  TRIREME_ASSIGN(std::byte * to, resolve(device_, target, target.bytes, "target of a copy"));
  auto kernel = std::make_unique<CopyKernel>(source.bytes);
  Step step;
  step.kernel = kernel.get();
  std::byte* const operands[] = {from, to};
  return add_step(std::move(kernel), step, operands);
}

Status CpuCommandList::add_step(std::unique_ptr<const Kernel> owned, Step step, std::span<std::byte* const> operands) {
  if (owned) copies_.push_back(std::move(owned));
  step.first_operand = operands_.size();
  step.operand_count = operands.size();
  operands_.insert(operands_.end(), operands.begin(), operands.end());
  steps_.push_back(step);
  return {};
}

Status CpuCommandList::barrier() {
  TRIREME_TRY(check_open());
  if (steps_.size() == group_begin_) return {};
  Group group{group_begin_, steps_.size(), 1};
  for (size_t i = group.begin; i < group.end; ++i) group.phases = std::max(group.phases, steps_[i].phases);
  groups_.push_back(group);
  group_begin_ = steps_.size();
  return {};
}

Status CpuCommandList::finish() {
  TRIREME_TRY(barrier());
  for (Step& step : steps_) {
    step.args.operands = std::span(operands_).subspan(step.first_operand, step.operand_count);
    step.args.workspace = step.workspace;
  }
  finished_ = true;
  return {};
}

Status CpuCommandList::bind_rows(std::span<Step> steps) {
  for (Step& step : steps) {
    step.args.rows = step.capacity;
    if (!step.count) continue;
    int32_t count = 0;
    std::memcpy(&count, step.count, sizeof count);
    if (count < 0 || count > step.capacity)
      return fail(
          ErrorCode::kInvalidArgument, "submit on cpu:0",
          "a row count of " + std::to_string(count) + " is outside the capacity of " + std::to_string(step.capacity));
    step.args.rows = count;
  }
  for (const Step& step : steps) {
    if (step.args.rows > 0) TRIREME_TRY(step.kernel->check(step.args));
  }
  return {};
}

Status CpuCommandList::run(ThreadPool& pool) {
  const ThreadPool::Burst burst(pool);
  for (const Group& group : groups_) {
    const std::span<Step> steps = std::span(steps_).subspan(group.begin, group.end - group.begin);
    TRIREME_TRY(bind_rows(steps));
    for (int phase = 0; phase < group.phases; ++phase) run_phase(pool, steps, phase);
  }
  return {};
}

void CpuCommandList::run_phase(ThreadPool& pool, std::span<Step> steps, int phase) {
  int64_t total = 0;
  for (Step& step : steps) {
    if (step.args.rows > 0 && phase < step.phases) total += step.kernel->chunks(phase, step.args);
    step.end_chunk = total;
  }
  pool.run(total, [&](int64_t chunk, int worker) {
    const Step* step = steps.data();
    while (chunk >= step->end_chunk) ++step;
    const int64_t begin = step == steps.data() ? 0 : step[-1].end_chunk;
    step->kernel->run(phase, chunk - begin, worker, step->args);
  });
}

}  // namespace trireme::cpu
