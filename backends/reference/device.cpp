#include "backends/reference/device.h"

#include <fstream>

#include "backends/reference/buffer.h"
#include "backends/reference/command_list.h"
#include "backends/reference/kernel.h"
#include "backends/reference/speed.h"
#include "hal/host_timeline.h"
#include "hal/op_cost.h"

namespace trireme::reference {

ReferenceDevice::ReferenceDevice() {
  info_.id = "reference:0";
  info_.name = "plain loops";
  info_.driver = "built in";
  info_.threads = 1;
  info_.host_memory = true;
  info_.numeric = {.fused_multiply_add = false, .accumulator_epsilon = 0x1p-53, .kv_format = &formats::f32()};
}

std::vector<MemoryHeap> ReferenceDevice::memory() const {
  MemoryHeap heap{"system", 0, 0};
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  uint64_t kibibytes = 0;
  while (file >> key >> kibibytes && std::getline(file, unit)) {
    if (key == "MemTotal:") heap.total_bytes = kibibytes * 1024;
    if (key == "MemAvailable:") heap.free_bytes = kibibytes * 1024;
  }
  return {heap};
}

MeasuredSpeed ReferenceDevice::measure_speed() {
  std::call_once(measured_, [&] { speed_ = reference::measure_speed(*this); });
  return speed_;
}

std::vector<Assessment> ReferenceDevice::assess(std::span<const OpDesc> ops) const {
  std::vector<Assessment> answers;
  for (const OpDesc& op : ops) {
    if (auto reason = unsupported(op)) {
      answers.push_back(Unsupported{std::move(*reason)});
      continue;
    }
    OpCost cost = op_cost(op);
    for (const Operand& input : op.inputs) {
      if (!input.constant) continue;
      const bool kept = input.desc.format == &formats::f32();
      const uint64_t decoded = uint64_t(input.desc.shape.elements()) * sizeof(float);
      cost.bytes_moved += decoded - uint64_t(input.desc.bytes());
      cost.weight_bytes += (kept ? 0 : decoded) - uint64_t(input.desc.bytes());
      if (kept) cost.mapped_weight_bytes += decoded;
    }
    answers.push_back(cost);
  }
  return answers;
}

Result<std::shared_ptr<Buffer>> ReferenceDevice::allocate(uint64_t bytes) { return HostBuffer::allocate(this, bytes); }

Result<std::shared_ptr<Buffer>> ReferenceDevice::import_host(std::span<std::byte> memory) {
  return HostBuffer::import(this, memory);
}

Result<std::shared_ptr<const Weight>> ReferenceDevice::prepare_weight(const HostTensor& tensor, WeightUse) {
  return HostWeight::decode(tensor);
}

Result<std::shared_ptr<const PreparedOp>> ReferenceDevice::prepare(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) {
  return Kernel::create(op, constants);
}

Result<std::unique_ptr<CommandList>> ReferenceDevice::create_command_list() {
  return std::make_unique<HostCommandList>(this);
}

Result<std::shared_ptr<Timeline>> ReferenceDevice::create_timeline() { return std::make_shared<HostTimeline>(); }

Status ReferenceDevice::submit(CommandList& list, std::span<const TimelinePoint> waits,
                               std::span<const TimelinePoint> signals) {
  auto* recorded = dynamic_cast<HostCommandList*>(&list);
  if (!recorded || recorded->device() != this || !recorded->finished())
    return fail(ErrorCode::kInvalidArgument, "submit", "the list is not a finished one of this device");
  return queue_.submit([recorded] { return recorded->run(); }, waits, signals);
}

}  // namespace trireme::reference
