#include "backends/cpu/device.h"

#include <system_error>

#include "backends/cpu/buffer.h"
#include "backends/cpu/command_list.h"
#include "backends/cpu/features.h"
#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/quantized/packed_weight.h"
#include "backends/cpu/speed.h"
#include "backends/cpu/support.h"
#include "backends/cpu/weight.h"
#include "hal/host_timeline.h"
#include "hal/operands.h"

namespace trireme::cpu {
namespace {

// Whether a constant was prepared for the use that the op makes of it.
bool fits(const Weight& weight, WeightUse use, ActScheme act) {
  const bool packed = dynamic_cast<const quantized::PackedWeight*>(&weight) != nullptr;
  const bool mapped = dynamic_cast<const MappedWeight*>(&weight) != nullptr;
  if (use == WeightUse::kVector) return dynamic_cast<const VectorWeight*>(&weight) != nullptr;
  if (use == WeightUse::kMatmul && act == ActScheme::kQ8) return packed;
  return packed || mapped;
}

Status check_constants(const OpDesc& op, Constants constants) {
  size_t next = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!op.inputs[i].constant) continue;
    const Weight* weight = next < constants.size() ? constants[next].get() : nullptr;
    if (!weight || weight->desc() != op.inputs[i].desc)
      return fail(ErrorCode::kInvalidArgument, "prepare of " + op.text(),
                  "constant " + std::to_string(next) + " is not a " + op.inputs[i].desc.text());
    if (!fits(*weight, weight_use(op.params, int(i)).value_or(WeightUse::kVector), act_scheme(op.params)))
      return fail(ErrorCode::kInvalidArgument, "prepare of " + op.text(),
                  "constant " + std::to_string(next) + " was prepared for another use");
    ++next;
  }
  if (next != constants.size())
    return fail(ErrorCode::kInvalidArgument, "prepare of " + op.text(),
                std::to_string(constants.size()) + " constants were given, not " + std::to_string(next));
  return {};
}

}  // namespace

Result<std::shared_ptr<Device>> CpuDevice::open(int threads, bool native_bf16) {
  if (native_bf16 && !has_native_bf16())
    return fail(ErrorCode::kUnsupported, "native bf16", "the processor of cpu:0 has no instructions for it",
                "leave it out");
  const int count = threads > 0 ? threads : usable_cores();
  try {
    return std::make_shared<CpuDevice>(count, native_bf16);
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kOutOfMemory, "device cpu:0",
                "the system refused " + std::to_string(count) + " threads: " + error.what(), "ask for fewer threads");
  }
}

CpuDevice::CpuDevice(int threads, bool native_bf16) : native_bf16_(native_bf16), pool_(threads) {
  info_.id = kDeviceId;
  info_.name = processor_name();
  info_.driver = driver_text();
  info_.threads = threads;
  info_.host_memory = true;
  info_.numeric = {.fused_multiply_add = kernels_fuse_multiply_add(),
                   .accumulator_epsilon = 0x1p-24,
                   .activation_epsilon = native_bf16 ? 0x1p-8 : 0,
                   .kv_format = &formats::f16()};
  info_.features = kernel_features();
  if (native_bf16) info_.features.push_back("native bf16");
}

std::vector<MemoryHeap> CpuDevice::memory() const {
  const SystemMemory memory = system_memory();
  return {{"system", memory.total_bytes, memory.free_bytes}};
}

MeasuredSpeed CpuDevice::measure_speed() {
  std::call_once(measured_, [&] { speed_ = cpu::measure_speed(pool_); });
  return speed_;
}

std::vector<Assessment> CpuDevice::assess(std::span<const OpDesc> ops) const {
  std::vector<Assessment> answers;
  answers.reserve(ops.size());
  for (const OpDesc& op : ops) {
    if (auto reason = unsupported_reason(op))
      answers.push_back(Unsupported{std::move(*reason)});
    else
      answers.push_back(cpu_op_cost(op, pool_.threads(), native_bf16_));
  }
  return answers;
}

Result<std::shared_ptr<Buffer>> CpuDevice::allocate(uint64_t bytes) { return CpuBuffer::allocate(this, bytes); }

Result<std::shared_ptr<Buffer>> CpuDevice::import_host(std::span<std::byte> memory) {
  return CpuBuffer::import(this, memory);
}

Result<std::shared_ptr<const Weight>> CpuDevice::prepare_weight(const HostTensor& tensor, WeightUse use) {
  if (!tensor.desc.format) return fail(ErrorCode::kInvalidArgument, "weight " + tensor.name, "it has no format");
  if (use == WeightUse::kVector) return VectorWeight::read(tensor);
  if (use == WeightUse::kEmbedding || !quantized::can_pack(tensor.desc)) return MappedWeight::view(tensor);
  const auto parallel = [&](int64_t count, FunctionRef<void(int64_t)> body) {
    pool_.run(count, [&](int64_t chunk, int) { body(chunk); });
  };
  return quantized::PackedWeight::pack(tensor, packed_weights_, parallel);
}

Result<std::shared_ptr<const PreparedOp>> CpuDevice::prepare(const OpDesc& op,
                                                             std::span<const std::shared_ptr<const Weight>> constants) {
  if (auto reason = unsupported_reason(op))
    return fail(ErrorCode::kUnsupported, "device cpu:0 cannot do " + op.text(), *reason,
                "choose another device for it with --device");
  TRIREME_TRY(check_constants(op, constants));
  const KernelContext context{op, constants, pool_.threads(), native_bf16_};
  TRIREME_ASSIGN(auto kernel, std::visit([&](const auto& params) { return make_kernel(params, context); }, op.params));
  return std::make_shared<CpuPreparedOp>(this, op, constants, std::move(kernel));
}

Result<std::unique_ptr<CommandList>> CpuDevice::create_command_list() { return std::make_unique<CpuCommandList>(this); }

Result<std::shared_ptr<Timeline>> CpuDevice::create_timeline() { return std::make_shared<HostTimeline>(); }

Status CpuDevice::submit(CommandList& list, std::span<const TimelinePoint> waits,
                         std::span<const TimelinePoint> signals) {
  auto* recorded = dynamic_cast<CpuCommandList*>(&list);
  if (!recorded || recorded->device() != this || !recorded->finished())
    return fail(ErrorCode::kInvalidArgument, "submit to cpu:0", "the list is not a finished one of this device");
  return queue_.submit([this, recorded] { return recorded->run(pool_); }, waits, signals);
}

}  // namespace trireme::cpu
