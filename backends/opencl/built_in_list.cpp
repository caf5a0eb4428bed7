#include "backends/opencl/built_in_list.h"

#include "hal/op_ranges.h"

namespace trireme::opencl {
namespace {

// Where the I32 is that limits the op's rows.
Result<BufferRange> row_count(const BuiltInOp& op, const DispatchOperands& operands) {
  const RowDomain rows = op.description.inputs[0].desc.rows;
  if (rows == RowDomain::kFixed) return BufferRange{op.fixed_rows.get(), 0, sizeof(int32_t)};
  const BufferRange range = rows == RowDomain::kTokens ? operands.token_count : operands.output_count;
  TRIREME_TRY(check_range(range));
  if (range.bytes != sizeof(int32_t) || range.offset % sizeof(int32_t) != 0)
    return fail(ErrorCode::kInvalidArgument, op.description.text(), "a run-time count is one aligned I32");
  return range;
}

}  // namespace

Status BuiltInList::dispatch(std::shared_ptr<const PreparedOp> prepared, const DispatchOperands& operands) {
  const auto* op = dynamic_cast<const BuiltInOp*>(prepared.get());
  if (!op || op->connection != list_.connection())
    return fail(ErrorCode::kInvalidArgument, "command list", "the op was prepared by another device");
  TRIREME_ASSIGN(const OpRanges ranges, op_ranges(op->description, operands.ranges));
  TRIREME_ASSIGN(const BufferRange count, row_count(*op, operands));
  // A count may stand anywhere; what is bound begins at the grain.
  const uint64_t inside = count.offset % kBindingAlignment;
  for (size_t i = 0; i < op->calls.size(); ++i) {
    const BuiltInCall& call = op->calls[i];
    std::vector<BufferRange> bound;
    for (const BuiltInArgument& argument : call.buffers) {
      const auto index = size_t(argument.index);
      switch (argument.kind) {
        case BuiltInArgument::Kind::kInput: bound.push_back(ranges.inputs[index]); break;
        case BuiltInArgument::Kind::kOutput: bound.push_back(ranges.outputs[index]); break;
        case BuiltInArgument::Kind::kPlane: bound.push_back(op->constants[index]->plane(argument.plane)); break;
        case BuiltInArgument::Kind::kZeros: bound.push_back({op->zeros.get(), 0, op->zeros->size()}); break;
        case BuiltInArgument::Kind::kRowCount:
          bound.push_back({count.buffer, count.offset - inside, inside + sizeof(int32_t)});
          break;
      }
    }
    std::vector<uint32_t> words = {uint32_t(inside / sizeof(int32_t))};
    words.insert(words.end(), call.words.begin(), call.words.end());
    TRIREME_TRY(list_.launch(op->kernels[i], {{1, 1, 1}, bound, words}));
  }
  ops_.push_back(std::move(prepared));
  return {};
}

}  // namespace trireme::opencl
