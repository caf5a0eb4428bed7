#include "compiler/device/measure.h"

#include <algorithm>

namespace trireme::compiler {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kRounds = 3;

TensorDesc floats(const Shape& shape) { return {shape, &formats::f32()}; }

// Seconds of the fastest of some runs of a list with `repeat` launches of one op.
Result<double> seconds_of(Device& device, const OpDesc& op, int repeat) {
  std::vector<std::shared_ptr<const Weight>> constants;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::vector<BufferRange> ranges;
  const auto place = [&](const TensorDesc& desc) -> Status {
    const auto bytes = uint64_t(desc.bytes());
    TRIREME_ASSIGN(std::shared_ptr<Buffer> buffer, device.allocate(bytes));
    TRIREME_TRY(buffer->write(0, std::vector<std::byte>(bytes)));
    ranges.push_back({buffer.get(), 0, bytes});
    buffers.push_back(std::move(buffer));
    return {};
  };
  for (const Operand& input : op.inputs) {
    if (!input.constant) {
      TRIREME_TRY(place(input.desc));
      continue;
    }
    const std::vector<std::byte> zeros(size_t(input.desc.bytes()));
    TRIREME_ASSIGN(std::shared_ptr<const Weight> weight,
                   device.prepare_weight({input.desc, zeros, {}, "zeros"}, WeightUse::kMatmul));
    constants.push_back(std::move(weight));
  }
  for (const TensorDesc& output : op.outputs) TRIREME_TRY(place(output));
  TRIREME_ASSIGN(const std::shared_ptr<const PreparedOp> prepared, device.prepare(op, constants));
  TRIREME_ASSIGN(const std::unique_ptr<CommandList> list, device.create_command_list());
  for (int i = 0; i < repeat; ++i) {
    TRIREME_TRY(list->dispatch(prepared, {ranges, {}, {}}));
    TRIREME_TRY(list->barrier());
  }
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const std::shared_ptr<Timeline> timeline, device.create_timeline());
  double best = 0;
  // The first run also builds what the driver builds late.
  for (uint64_t round = 0; round <= kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const TimelinePoint done{timeline.get(), round + 1};
    TRIREME_TRY(device.submit(*list, {}, {&done, 1}));
    TRIREME_TRY(timeline->wait(round + 1, kPatience));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (round > 0) best = round == 1 ? taken.count() : std::min(best, taken.count());
  }
  return best;
}

}  // namespace

MeasuredSpeed measure(Device& device) {
  MeasuredSpeed speed;
  constexpr int64_t kElements = 4 << 20;
  const TensorDesc large = floats({kElements});
  if (const auto seconds = seconds_of(device, {Scale{2.0f}, {{large, false}}, {large}, "measure"}, 1))
    speed.read_bytes_per_s = double(2 * kElements * int64_t(sizeof(float))) / *seconds;
  constexpr int kLaunches = 64;
  const TensorDesc small = floats({64});
  if (const auto seconds = seconds_of(device, {Scale{2.0f}, {{small, false}}, {small}, "measure"}, kLaunches))
    speed.launch_s = *seconds / kLaunches;
  constexpr int64_t kRows = 32, kSize = 512;
  const OpDesc matmul{
      Matmul{}, {{floats({kRows, kSize}), false}, {floats({kSize, kSize}), true}}, {floats({kRows, kSize})}, "measure"};
  if (const auto seconds = seconds_of(device, matmul, 1))
    speed.multiply_adds_per_s = double(kRows * kSize * kSize) / *seconds;
  return speed;
}

}  // namespace trireme::compiler
