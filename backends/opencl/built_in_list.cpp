#include "backends/opencl/built_in_list.h"

#include "hal/op_ranges.h"

namespace trireme::opencl {
namespace {

// Where the I32 is that limits the op's rows.
Result<CountBinding> row_count(const BuiltInOp& op, const DispatchOperands& operands) {
  const RowDomain rows = op.description.inputs[0].desc.rows;
  if (rows == RowDomain::kFixed) return CountBinding{{op.fixed_rows.get(), 0, sizeof(int32_t)}, 0};
  return count_binding(rows == RowDomain::kTokens ? operands.token_count : operands.output_count);
}

}  // namespace

Status BuiltInList::dispatch(std::shared_ptr<const PreparedOp> prepared, const DispatchOperands& operands) {
  const auto* op = dynamic_cast<const BuiltInOp*>(prepared.get());
  if (!op || op->connection != list_.connection())
    return fail(ErrorCode::kInvalidArgument, "command list", "the op was prepared by another device");
  TRIREME_ASSIGN(const OpRanges ranges, op_ranges(op->description, operands.ranges));
  TRIREME_ASSIGN(const CountBinding count, row_count(*op, operands));
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
        case BuiltInArgument::Kind::kRowCount: bound.push_back(count.range); break;
      }
    }
    std::vector<uint32_t> words = {count.index};
    words.insert(words.end(), call.words.begin(), call.words.end());
    TRIREME_TRY(list_.launch(op->kernels[i], {{1, 1, 1}, bound, words}));
  }
  ops_.push_back(std::move(prepared));
  return {};
}

}  // namespace trireme::opencl
