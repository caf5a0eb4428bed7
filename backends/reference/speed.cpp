#include "backends/reference/speed.h"

#include <algorithm>
#include <cstring>

namespace trireme::reference {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};

// Seconds of the fastest of a few submissions of `repeats` recorded copies of the op, which takes no run-time counts.
Result<double> time_op(Device& device, const OpDesc& op, int repeats) {
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::vector<BufferRange> ranges;
  const auto bind = [&](const TensorDesc& desc) -> Status {
    TRIREME_ASSIGN(auto buffer, device.allocate(uint64_t(desc.bytes())));
    TRIREME_ASSIGN(auto memory, buffer->map());
    std::memset(memory.data(), 0, memory.size());
    ranges.push_back({buffer.get(), 0, buffer->size()});
    buffers.push_back(std::move(buffer));
    return {};
  };
  for (const Operand& input : op.inputs) TRIREME_TRY(bind(input.desc));
  TRIREME_TRY(bind(op.outputs[0]));
  TRIREME_ASSIGN(auto kernel, device.prepare(op, {}));
  TRIREME_ASSIGN(auto list, device.create_command_list());
  for (int i = 0; i < repeats; ++i) {
    TRIREME_TRY(list->dispatch(kernel, {ranges, {}, {}}));
    TRIREME_TRY(list->barrier());
  }
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(auto timeline, device.create_timeline());
  double best = 1e9;
  for (uint64_t round = 1; round <= 3; ++round) {
    const auto start = Clock::now();
    const TimelinePoint signal{timeline.get(), round};
    TRIREME_TRY(device.submit(*list, {}, {&signal, 1}));
    TRIREME_TRY(timeline->wait(round, kPatience));
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

OpDesc matmul(int64_t rows, int64_t n, int64_t k) {
  const auto f32 = [](int64_t r, int64_t c) { return TensorDesc{{r, c}, &formats::f32()}; };
  return {Matmul{}, {{f32(rows, k)}, {f32(n, k)}}, {f32(rows, n)}, "probe"};
}

}  // namespace

MeasuredSpeed measure_speed(Device& device) {
  constexpr int64_t kRows = 4096, kColumns = 1024, kBatch = 64, kSide = 256;
  constexpr int kLaunches = 1000;
  const auto stream = time_op(device, matmul(1, kRows, kColumns), 1);
  const auto dense = time_op(device, matmul(kBatch, kSide, kSide), 1);
  const auto launch = time_op(device, matmul(1, 1, 1), kLaunches);
  if (!stream || !dense || !launch) return {};
  return {double(kRows * kColumns) * sizeof(float) / *stream, double(kBatch * kSide * kSide) / *dense,
          *launch / kLaunches};
}

}  // namespace trireme::reference
