#include "compiler/device/op_timer.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "hal/operands.h"
#include "hal/timeline_points.h"

namespace trireme::compiler {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kRounds = 3;
constexpr double kRunSeconds = 5e-3;
constexpr int kMostLaunches = 64;

}  // namespace

Result<OpTimer> OpTimer::create(Device& device, const OpDesc& op) {
  OpTimer timer;
  timer.op_ = op;
  // A step's counts, as kernels load them: of tokens and of outputs.
  std::array<int32_t, 2> counts{};
  const auto place = [&](const TensorDesc& desc) -> Status {
    if (desc.rows != RowDomain::kFixed) counts[desc.rows == RowDomain::kOutputs] = int32_t(desc.shape[0]);
    TRIREME_ASSIGN(const BufferRange range, timer.keep(device, std::vector<std::byte>(size_t(desc.bytes()))));
    timer.ranges_.push_back(range);
    return {};
  };
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const Operand& input = op.inputs[i];
    if (!input.constant) {
      TRIREME_TRY(place(input.desc));
      continue;
    }
    const std::vector<std::byte> zeros(size_t(input.desc.bytes()));
    const WeightUse use = weight_use(op.params, int(i)).value_or(WeightUse::kVector);
    TRIREME_ASSIGN(std::shared_ptr<const Weight> weight, device.prepare_weight({input.desc, zeros, {}, "zeros"}, use));
    timer.constants_.push_back(std::move(weight));
  }
  for (const TensorDesc& output : op.outputs) TRIREME_TRY(place(output));
  TRIREME_ASSIGN(timer.counts_, timer.keep(device, std::as_bytes(std::span(counts))));
  return timer;
}

Result<BufferRange> OpTimer::keep(Device& device, std::span<const std::byte> bytes) {
  TRIREME_ASSIGN(std::shared_ptr<Buffer> buffer, device.allocate(bytes.size()));
  TRIREME_TRY(buffer->write(0, bytes));
  buffers_.push_back(std::move(buffer));
  return BufferRange{buffers_.back().get(), 0, bytes.size()};
}

Result<double> OpTimer::seconds(Device& device, double enough) const {
  // The first run also builds what the driver builds late.
  TRIREME_TRY(run(device, 1, 1));
  TRIREME_ASSIGN(const double once, run(device, 1, 1));
  if (once > enough) return once;
  const int launches = int(std::clamp(kRunSeconds / std::max(once, 1e-9), 1.0, double(kMostLaunches)));
  TRIREME_ASSIGN(const double best, run(device, launches, kRounds));
  return best / launches;
}

Result<double> OpTimer::run(Device& device, int launches, int rounds) const {
  TRIREME_ASSIGN(const std::shared_ptr<const PreparedOp> prepared, device.prepare(op_, constants_));
  TRIREME_ASSIGN(const std::unique_ptr<CommandList> list, device.create_command_list());
  const BufferRange token_count{counts_.buffer, 0, sizeof(int32_t)};
  const BufferRange output_count{counts_.buffer, sizeof(int32_t), sizeof(int32_t)};
  for (int i = 0; i < launches; ++i) {
    TRIREME_TRY(list->dispatch(prepared, {ranges_, token_count, output_count}));
    TRIREME_TRY(list->barrier());
  }
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const std::shared_ptr<Timeline> timeline, device.create_timeline());
  double best = 0;
  for (int round = 1; round <= rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const TimelinePoint done{timeline.get(), uint64_t(round)};
    TRIREME_TRY(device.submit(*list, {}, {&done, 1}));
    TRIREME_TRY(wait_to_end(done, kPatience));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = round == 1 ? taken.count() : std::min(best, taken.count());
  }
  return best;
}

}  // namespace trireme::compiler
