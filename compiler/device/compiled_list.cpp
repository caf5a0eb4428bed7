#include "compiler/device/compiled_list.h"

#include "compiler/device/compiled_weight.h"
#include "hal/op_ranges.h"

namespace trireme::compiler {

Status CompiledList::dispatch(std::shared_ptr<const PreparedOp> op, const DispatchOperands& operands) {
  const auto* compiled = dynamic_cast<const CompiledOp*>(op.get());
  if (!compiled || compiled->device != &device_)
    return fail(ErrorCode::kInvalidArgument, "dispatch on " + device_.info().id,
                "the op was prepared by another device");
  TRIREME_ASSIGN(const OpRanges ranges, op_ranges(compiled->description, operands.ranges));
  for (size_t i = 0; i < compiled->calls->size(); ++i) {
    const KernelCall& call = (*compiled->calls)[i];
    std::vector<BufferRange> bound;
    std::vector<uint32_t> words;
    for (const Binding& binding : call.bindings) {
      BufferRange range;
      switch (binding.kind) {
        case Binding::Kind::kInput: range = ranges.inputs[size_t(binding.index)]; break;
        case Binding::Kind::kOutput: range = ranges.outputs[size_t(binding.index)]; break;
        case Binding::Kind::kPlane:
          range = compiled->constants[size_t(binding.index)]->plane(binding.plane);
          if (binding.bytes > 0) range = {range.buffer, binding.offset, binding.bytes};
          break;
        case Binding::Kind::kRowCount: {
          range = binding.rows == RowDomain::kTokens ? operands.token_count : operands.output_count;
          TRIREME_TRY(check_range(range));
          // A count may stand anywhere; what is bound begins at the grain.
          const uint64_t inside = range.offset % kBindingAlignment;
          words.push_back(uint32_t(inside / sizeof(uint32_t)));
          range = {range.buffer, range.offset - inside, inside + sizeof(uint32_t)};
          break;
        }
      }
      bound.push_back(range);
    }
    words.insert(words.end(), call.words.begin(), call.words.end());
    if (i > 0) TRIREME_TRY(list_->barrier());  // the kernels of an op run one after the other
    TRIREME_TRY(list_->launch(compiled->kernels[i], {call.groups, bound, words}));
  }
  ops_.push_back(std::move(op));
  return {};
}

}  // namespace trireme::compiler
