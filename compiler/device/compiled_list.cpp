#include "compiler/device/compiled_list.h"

#include "compiler/device/compiled_weight.h"

namespace trireme::compiler {

Result<BoundCall> CompiledList::bound(const CompiledOp& op, const KernelCall& call, const OpRanges& ranges,
                                      const BufferRange& workspace, const DispatchOperands& operands) const {
  BoundCall made{&call, {}, {}};
  for (const Binding& binding : call.bindings) {
    BufferRange range;
    switch (binding.kind) {
      case Binding::Kind::kInput: range = ranges.inputs[size_t(binding.index)]; break;
      case Binding::Kind::kOutput: range = ranges.outputs[size_t(binding.index)]; break;
      case Binding::Kind::kPlane: range = op.constants[size_t(binding.index)]->range(binding); break;
      case Binding::Kind::kWorkspace: range = {workspace.buffer, workspace.offset, binding.bytes}; break;
      case Binding::Kind::kRowCount: {
        const bool tokens = binding.rows == RowDomain::kTokens;
        TRIREME_ASSIGN(const CountBinding count, count_binding(tokens ? operands.token_count : operands.output_count));
        made.words.push_back(count.index);
        range = count.range;
        break;
      }
    }
    made.buffers.push_back(range);
  }
  made.words.insert(made.words.end(), call.words.begin(), call.words.end());
  return made;
}

Status CompiledList::check_open() const {
  if (finished_) return fail(ErrorCode::kInvalidArgument, "command list", "it is already finished");
  return {};
}

Status CompiledList::dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) {
  TRIREME_TRY(check_open());
  const auto* compiled = dynamic_cast<const CompiledOp*>(op.get());
  if (!compiled || compiled->device != &device_)
    return fail(ErrorCode::kInvalidArgument, "dispatch on " + device_.info().id,
                "the op was prepared by another device");
  std::span<const BufferRange> bound_ranges = operands.ranges;
  BufferRange workspace;
  if (const uint64_t bytes = compiled->workspace_bytes(); bytes > 0) {
    if (bound_ranges.empty() || bound_ranges.back().bytes < bytes)
      return fail(ErrorCode::kInvalidArgument, "dispatch of " + compiled->description.text(),
                  "it needs a workspace of " + std::to_string(bytes) + " bytes");
    workspace = bound_ranges.back();
    TRIREME_TRY(check_range(workspace));
    bound_ranges = bound_ranges.first(bound_ranges.size() - 1);
  }
  TRIREME_ASSIGN(const OpRanges ranges, op_ranges(compiled->description, bound_ranges));
  for (const KernelCall& call : *compiled->calls) {
    if (&call != &compiled->calls->front()) TRIREME_TRY(barrier());  // the kernels of an op run one after the other
    TRIREME_ASSIGN(BoundCall made, bound(*compiled, call, ranges, workspace, operands));
    waiting_.push_back(std::move(made));
  }
  ops_.push_back(std::move(op));
  return {};
}

Status CompiledList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_open());
  TRIREME_TRY(check_range(source));
  TRIREME_TRY(check_range(target));
  if (source.bytes != target.bytes || source.overlaps(target))
    return fail(ErrorCode::kInvalidArgument, "command list", "a copy needs two ranges of one size that do not overlap");
  steps_.push_back(Copy{source, target});
  ++launches_;
  return {};
}

void CompiledList::bundle_waiting() {
  for (Bundle& made : bundle(waiting_, device_.target())) {
    steps_.push_back(Launch{bundles_.size()});
    bundles_.push_back(std::move(made));
    ++launches_;
  }
  waiting_.clear();
}

Status CompiledList::barrier() {
  TRIREME_TRY(check_open());
  bundle_waiting();
  steps_.push_back(Barrier{});
  return {};
}

Status CompiledList::write(const Step& step, std::span<const std::shared_ptr<const Kernel>> kernels) {
  if (const auto* const launch = std::get_if<Launch>(&step)) {
    const Bundle& made = bundles_[launch->bundle];
    return list_->launch(kernels[launch->bundle], {made.groups, made.buffers, made.words});
  }
  if (const auto* const copied = std::get_if<Copy>(&step)) return list_->copy(copied->source, copied->target);
  return list_->barrier();
}

Status CompiledList::finish() {
  TRIREME_TRY(check_open());
  finished_ = true;
  bundle_waiting();
  TRIREME_ASSIGN(const std::vector<std::shared_ptr<const Kernel>> kernels, device_.kernels_of(bundles_));
  for (const Step& step : steps_) TRIREME_TRY(write(step, kernels));
  steps_.clear();
  bundles_.clear();
  return list_->finish();
}

}  // namespace trireme::compiler
