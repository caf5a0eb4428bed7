#include "tests/conformance/execute.h"

#include <algorithm>

namespace trireme::conformance {
namespace {

constexpr uint64_t kGuard = 256;
constexpr std::byte kGuardByte{0x5a};
constexpr std::chrono::seconds kPatience{120};

WeightUse use_of(const OpParams& params, size_t input) {
  if (std::holds_alternative<EmbedRows>(params)) return WeightUse::kEmbedding;
  if (std::holds_alternative<Matmul>(params) && input == 1) return WeightUse::kMatmul;
  if (std::holds_alternative<GroupedMatmul>(params) && input == 1) return WeightUse::kMatmul;
  if (std::holds_alternative<MatmulGlu>(params) && input > 0) return WeightUse::kMatmul;
  return WeightUse::kVector;
}

// An operand between two guard zones, in a buffer of its own.
struct Placed {
  std::shared_ptr<Buffer> buffer;
  BufferRange range;
};

Result<Placed> place(Device& device, const Bytes& content) {
  Bytes all(content.size() + 2 * kGuard, kGuardByte);
  std::copy(content.begin(), content.end(), all.begin() + kGuard);
  Placed placed;
  TRIREME_ASSIGN(placed.buffer, device.allocate(all.size()));
  TRIREME_TRY(placed.buffer->write(0, all));
  placed.range = {placed.buffer.get(), kGuard, content.size()};
  return placed;
}

Result<Bytes> take(const Placed& placed) {
  Bytes all(placed.buffer->size());
  TRIREME_TRY(placed.buffer->read(0, all));
  const auto end = all.end() - kGuard;
  const auto intact = [](std::byte b) { return b == kGuardByte; };
  if (!std::all_of(all.begin(), all.begin() + kGuard, intact) || !std::all_of(end, all.end(), intact))
    return fail(ErrorCode::kInternal, "device", "it wrote outside an operand");
  return Bytes(all.begin() + kGuard, end);
}

Result<std::optional<Placed>> place_count(Device& device, std::optional<int32_t> count) {
  if (!count) return std::nullopt;
  return place(device, bytes_of(std::vector<int32_t>{*count}));
}

Status run(Device& device, const Case& test, std::shared_ptr<const PreparedOp> op,
           const std::vector<BufferRange>& ranges) {
  TRIREME_ASSIGN(const auto tokens, place_count(device, test.token_count));
  TRIREME_ASSIGN(const auto outputs, place_count(device, test.output_count));
  TRIREME_ASSIGN(auto list, device.create_command_list());
  TRIREME_TRY(list->dispatch(
      std::move(op), {ranges, tokens ? tokens->range : BufferRange{}, outputs ? outputs->range : BufferRange{}}));
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const auto timeline, device.create_timeline());
  const TimelinePoint done{timeline.get(), 1};
  TRIREME_TRY(device.submit(*list, {}, {&done, 1}));
  return timeline->wait(1, kPatience);
}

}  // namespace

HostTensor Case::constant(size_t i) const {
  HostTensor tensor{op.inputs[i].desc, inputs[i], {}, "input " + std::to_string(i)};
  if (i < planes.size())
    for (const Bytes& plane : planes[i]) tensor.planes.push_back(plane);
  return tensor;
}

Result<std::vector<Bytes>> execute(Device& device, const Case& test) {
  std::vector<std::shared_ptr<const Weight>> constants;
  std::vector<Placed> inputs(test.op.inputs.size());
  std::vector<Placed> bound;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Operand& input = test.op.inputs[i];
    if (input.constant) {
      TRIREME_ASSIGN(auto weight, device.prepare_weight(test.constant(i), use_of(test.op.params, i)));
      constants.push_back(std::move(weight));
    } else {
      TRIREME_ASSIGN(inputs[i], place(device, test.inputs[i]));
      bound.push_back(inputs[i]);
    }
  }
  TRIREME_ASSIGN(auto op, device.prepare(test.op, constants));
  std::vector<Placed> outputs;
  for (size_t i = 0; i < test.op.outputs.size(); ++i) {
    const int alias = aliased_input(test.op.params, int(i));
    if (alias < 0) {
      TRIREME_ASSIGN(auto placed, place(device, Bytes(size_t(test.op.outputs[i].bytes()), kUntouched)));
      bound.push_back(placed);
      outputs.push_back(std::move(placed));
    } else {
      outputs.push_back(inputs[size_t(alias)]);
    }
  }
  if (op->workspace_bytes() > 0) {
    TRIREME_ASSIGN(auto placed, place(device, Bytes(op->workspace_bytes(), kUntouched)));
    bound.push_back(std::move(placed));
  }
  std::vector<BufferRange> ranges;
  for (const Placed& placed : bound) ranges.push_back(placed.range);
  TRIREME_TRY(run(device, test, std::move(op), ranges));
  for (const Placed& placed : bound) TRIREME_TRY(take(placed));
  std::vector<Bytes> results;
  for (const Placed& placed : outputs) {
    TRIREME_ASSIGN(auto bytes, take(placed));
    results.push_back(std::move(bytes));
  }
  return results;
}

}  // namespace trireme::conformance
