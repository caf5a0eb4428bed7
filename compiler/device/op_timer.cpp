#include "compiler/device/op_timer.h"

#include <algorithm>
#include <chrono>

#include "hal/operands.h"

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
  const auto place = [&](TensorDesc& desc) -> Status {
    desc.rows = RowDomain::kFixed;
    const auto bytes = uint64_t(desc.bytes());
    TRIREME_ASSIGN(std::shared_ptr<Buffer> buffer, device.allocate(bytes));
    TRIREME_TRY(buffer->write(0, std::vector<std::byte>(bytes)));
    timer.ranges_.push_back({buffer.get(), 0, bytes});
    timer.buffers_.push_back(std::move(buffer));
    return {};
  };
  for (size_t i = 0; i < timer.op_.inputs.size(); ++i) {
    Operand& input = timer.op_.inputs[i];
    if (!input.constant) {
      TRIREME_TRY(place(input.desc));
      continue;
    }
    const std::vector<std::byte> zeros(size_t(input.desc.bytes()));
    const WeightUse use = weight_use(op.params, int(i)).value_or(WeightUse::kVector);
    TRIREME_ASSIGN(std::shared_ptr<const Weight> weight, device.prepare_weight({input.desc, zeros, {}, "zeros"}, use));
    timer.constants_.push_back(std::move(weight));
  }
  for (TensorDesc& output : timer.op_.outputs) TRIREME_TRY(place(output));
  return timer;
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
  for (int i = 0; i < launches; ++i) {
    TRIREME_TRY(list->dispatch(prepared, {ranges_, {}, {}}));
    TRIREME_TRY(list->barrier());
  }
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const std::shared_ptr<Timeline> timeline, device.create_timeline());
  double best = 0;
  for (int round = 1; round <= rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const TimelinePoint done{timeline.get(), uint64_t(round)};
    TRIREME_TRY(device.submit(*list, {}, {&done, 1}));
    TRIREME_TRY(timeline->wait(uint64_t(round), kPatience));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = round == 1 ? taken.count() : std::min(best, taken.count());
  }
  return best;
}

}  // namespace trireme::compiler
