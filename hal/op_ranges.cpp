#include "hal/op_ranges.h"

#include "hal/kernel_device.h"

namespace trireme {

Result<OpRanges> op_ranges(const OpDesc& op, std::span<const BufferRange> ranges) {
  OpRanges found;
  size_t next = 0;
  const auto take = [&](const TensorDesc& desc) -> Result<BufferRange> {
    if (next >= ranges.size())
      return fail(ErrorCode::kInvalidArgument, "dispatch of " + op.text(), "operands are missing");
    const BufferRange range = ranges[next++];
    TRIREME_TRY(check_range(range));
    if (range.bytes != uint64_t(desc.bytes()))
      return fail(ErrorCode::kInvalidArgument, "dispatch of " + op.text(),
                  "a range has " + std::to_string(range.bytes) + " bytes, not " + std::to_string(desc.bytes()));
    return range;
  };
  for (const Operand& input : op.inputs) {
    BufferRange range;
    if (!input.constant) {
      TRIREME_ASSIGN(range, take(input.desc));
    }
    found.inputs.push_back(range);
  }
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const int alias = aliased_input(op.params, int(i));
    BufferRange range = alias >= 0 ? found.inputs[size_t(alias)] : BufferRange{};
    if (alias < 0) {
      TRIREME_ASSIGN(range, take(op.outputs[i]));
    }
    found.outputs.push_back(range);
  }
  if (next != ranges.size())
    return fail(ErrorCode::kInvalidArgument, "dispatch of " + op.text(), "there are too many operands");
  return found;
}

Result<CountBinding> count_binding(const BufferRange& count) {
  TRIREME_TRY(check_range(count));
  if (count.bytes != sizeof(int32_t) || count.offset % sizeof(int32_t) != 0)
    return fail(ErrorCode::kInvalidArgument, "dispatch", "a run-time count is one aligned I32");
  const uint64_t inside = count.offset % kBindingAlignment;
  return CountBinding{{count.buffer, count.offset - inside, inside + sizeof(int32_t)},
                      uint32_t(inside / sizeof(int32_t))};
}

}  // namespace trireme
