#include "compiler/device/compiled_device.h"

#include <algorithm>
#include <iterator>

#include "compiler/cache/tuning_store.h"
#include "compiler/device/compile_for.h"
#include "compiler/device/compiled_list.h"
#include "compiler/device/compiled_weight.h"
#include "compiler/device/measure.h"
#include "compiler/emit/emit.h"
#include "compiler/kernel/verifier.h"
#include "compiler/templates/repack.h"
#include "hal/op_check.h"
#include "hal/op_cost.h"
#include "hal/operands.h"

namespace trireme::compiler {
namespace {

// Constants may be bound in parts; all else is bound whole.
Status check_operands(const OpDesc& op, uint64_t most_bytes) {
  const auto check = [&](const TensorDesc& desc) -> Status {
    if (most_bytes == 0 || uint64_t(desc.bytes()) <= most_bytes) return {};
    return fail(ErrorCode::kUnsupported, op.label,
                "an operand has " + std::to_string(desc.bytes()) + " bytes, and the device binds at most " +
                    std::to_string(most_bytes));
  };
  for (const Operand& input : op.inputs)
    if (!input.constant) TRIREME_TRY(check(input.desc));
  for (const TensorDesc& output : op.outputs) TRIREME_TRY(check(output));
  return {};
}

}  // namespace

Result<std::shared_ptr<Device>> compile_for(std::shared_ptr<KernelDevice> device,
                                            const std::filesystem::path& cache_folder, const BuildOptions& options) {
  TRIREME_TRY(check_language(device->target()));
  std::optional<KernelCache> cache;
  TuningTable tuning;
  if (!cache_folder.empty()) {
    cache.emplace(cache_folder);
    tuning = load_tuning(cache_folder, device->target().build_key);
  }
  auto builder = std::make_shared<KernelBuilder>(device, options);
  return std::make_shared<CompiledDevice>(std::move(device), std::move(builder), std::move(cache), std::move(tuning));
}

KernelCompiler kernel_compiler(std::filesystem::path cache_folder, BuildOptions options) {
  return [folder = std::move(cache_folder), options = std::move(options)](std::shared_ptr<KernelDevice> device) {
    return compile_for(std::move(device), folder, options);
  };
}

Result<std::vector<KernelSource>> kernel_sources(const Device& device, const OpDesc& op) {
  if (const auto* const compiled = dynamic_cast<const CompiledDevice*>(&device)) return compiled->sources(op);
  return fail(ErrorCode::kUnsupported, "kernels of " + device.info().id, "it has its own", "name another device");
}

uint64_t CompiledDevice::loading_bytes() const {
  return target().repacks_weights ? kRepackChunks * kRepackChunkBytes : 0;
}

MeasuredSpeed CompiledDevice::measure_speed() {
  if (!speed_) speed_ = measure(*this);
  return *speed_;
}

std::vector<Assessment> CompiledDevice::assess(std::span<const OpDesc> ops) const {
  std::vector<Assessment> answers;
  for (const OpDesc& op : ops) {
    const Result<OpCost> cost = cost_of(op);
    answers.push_back(cost ? Assessment(*cost) : Unsupported{cost.error().message()});
  }
  return answers;
}

Result<OpCost> CompiledDevice::cost_of(const OpDesc& op) const {
  TRIREME_ASSIGN(const OpCalls* const calls, calls_of(op));
  OpCost cost = op_cost(op);
  cost.workspace_bytes = workspace_bytes(*calls);
  cost.weight_bytes = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!op.inputs[i].constant) continue;
    const WeightUse use = weight_use(op.params, int(i)).value_or(WeightUse::kVector);
    TRIREME_ASSIGN(const uint64_t bytes, CompiledWeight::bytes_of(op.inputs[i].desc, use, device_->target()));
    cost.weight_bytes += bytes;
  }
  return cost;
}

Result<const OpCalls*> CompiledDevice::calls_of(const OpDesc& op) const {
  TRIREME_TRY(check_op(op));
  std::vector<TensorDesc> operands;
  std::vector<bool> constant;
  for (const Operand& input : op.inputs) {
    operands.push_back(input.desc);
    constant.push_back(input.constant);
  }
  operands.insert(operands.end(), op.outputs.begin(), op.outputs.end());
  const std::lock_guard lock(mutex_);
  const Written* found = nullptr;
  for (const auto& written : written_)
    if (written->params == op.params && written->operands == operands && written->constant == constant)
      found = written.get();
  if (!found) {
    const Status bindable = check_operands(op, device_->target().max_buffer_bytes);
    Result<OpCalls> calls = bindable ? write_kernels(op, device_->target(), &tuning_) : fail(bindable.error());
    for (size_t i = 0; calls && i < calls->size(); ++i) {
      const Status fits = kernel::check_limits((*calls)[i].function, kernel::limits_of(device_->target()));
      if (!fits) calls = fail(fits.error());
    }
    written_.push_back(
        std::make_unique<Written>(Written{op.params, std::move(operands), std::move(constant), std::move(calls)}));
    found = written_.back().get();
  }
  if (!found->calls) return fail(found->calls.error());
  return &*found->calls;
}

Result<KernelSource> CompiledDevice::emit(const kernel::Function& function) const {
  return compiler::emit(function, device_->target());
}

Result<std::vector<KernelSource>> CompiledDevice::sources(const OpDesc& op) const {
  TRIREME_ASSIGN(const OpCalls* const calls, calls_of(op));
  std::vector<KernelSource> sources;
  for (const KernelCall& call : *calls) {
    TRIREME_ASSIGN(KernelSource source, emit(call.function));
    sources.push_back(std::move(source));
  }
  return sources;
}

Result<std::vector<std::shared_ptr<const Kernel>>> CompiledDevice::kernels_of(std::span<const Bundle> bundles) {
  const std::lock_guard lock(mutex_);
  std::vector<KernelSource> sources;
  std::map<BundleKey, size_t> wanted;  // their places in sources
  for (const Bundle& bundle : bundles) {
    const BundleKey key{bundle.calls, bundle.numbers};
    if (bundles_.contains(key) || wanted.contains(key)) continue;
    TRIREME_ASSIGN(const kernel::Function function, compiler::kernel_of(bundle));
    TRIREME_ASSIGN(KernelSource source, emit(function));
    wanted.emplace(key, sources.size());
    sources.push_back(std::move(source));
  }
  TRIREME_ASSIGN(const auto made, built(sources));
  for (const auto& [key, place] : wanted) bundles_.emplace(key, made[place]);
  std::vector<std::shared_ptr<const Kernel>> kernels;
  for (const Bundle& bundle : bundles) kernels.push_back(bundles_.at({bundle.calls, bundle.numbers}));
  return kernels;
}

// Under the lock. What could be built is kept, also when something else could not.
Result<std::vector<std::shared_ptr<const Kernel>>> CompiledDevice::built(std::span<const KernelSource> sources) {
  std::vector<KernelSource> missing;
  std::ranges::copy_if(sources, std::back_inserter(missing),
                       [&](const KernelSource& source) { return !kernels_.contains(source.code); });
  const auto made = builder_->build(missing, cache_ ? &*cache_ : nullptr);
  for (size_t i = 0; i < missing.size(); ++i)
    if (made[i]) kernels_.try_emplace(missing[i].code, *made[i]);
  for (const auto& one : made)
    if (!one) return fail(one.error());
  std::vector<std::shared_ptr<const Kernel>> kernels;
  for (const KernelSource& source : sources) kernels.push_back(kernels_.at(source.code));
  return kernels;
}

std::vector<Result<std::unique_ptr<CompiledDevice>>> CompiledDevice::with_tunings(std::span<const TuningTable> tunings,
                                                                                  const OpDesc& op) const {
  std::vector<Result<std::unique_ptr<CompiledDevice>>> devices;
  std::vector<KernelSource> sources;
  std::vector<size_t> owners;  // by source: its device
  for (const TuningTable& tuning : tunings) {
    auto device = std::make_unique<CompiledDevice>(device_, builder_, std::nullopt, tuning);
    auto own = device->sources(op);
    devices.push_back(own ? Result<std::unique_ptr<CompiledDevice>>(std::move(device)) : fail(own.error()));
    if (!own) continue;
    owners.insert(owners.end(), own->size(), devices.size() - 1);
    std::ranges::move(*own, std::back_inserter(sources));
  }
  const auto built = builder_->build(sources, nullptr);
  for (size_t i = 0; i < sources.size(); ++i) {
    auto& device = devices[owners[i]];
    if (!device) continue;
    if (built[i])
      (*device)->kernels_.try_emplace(sources[i].code, *built[i]);
    else
      device = fail(built[i].error());
  }
  return devices;
}

Result<std::shared_ptr<const Weight>> CompiledDevice::prepare_weight(const HostTensor& tensor, WeightUse use) {
  const auto build = [this](std::span<const KernelSource> sources) {
    const std::lock_guard lock(mutex_);
    return built(sources);
  };
  TRIREME_ASSIGN(std::shared_ptr<const Weight> weight, CompiledWeight::create(*device_, build, tensor, use));
  return weight;
}

Result<std::shared_ptr<const PreparedOp>> CompiledDevice::prepare(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) {
  TRIREME_ASSIGN(const OpCalls* const calls, calls_of(op));
  auto prepared = std::make_shared<CompiledOp>();
  prepared->description = op;
  prepared->calls = calls;
  prepared->device = this;
  size_t next = 0;
  for (const Operand& input : op.inputs) {
    std::shared_ptr<const CompiledWeight> constant;
    if (input.constant) {
      constant = next < constants.size() ? std::dynamic_pointer_cast<const CompiledWeight>(constants[next]) : nullptr;
      if (!constant || constant->device() != device_.get() || constant->desc() != input.desc)
        return fail(ErrorCode::kInvalidArgument, "prepare of " + op.text(),
                    "constant " + std::to_string(next) + " is not a " + input.desc.text() + " of " + info().id);
      ++next;
    }
    prepared->constants.push_back(std::move(constant));
  }
  if (next != constants.size())
    return fail(ErrorCode::kInvalidArgument, "prepare of " + op.text(),
                std::to_string(constants.size()) + " constants were given, not " + std::to_string(next));
  return prepared;
}

Result<std::unique_ptr<CommandList>> CompiledDevice::create_command_list() {
  TRIREME_ASSIGN(std::unique_ptr<KernelList> list, device_->create_list());
  return std::make_unique<CompiledList>(*this, std::move(list));
}

Status CompiledDevice::submit(CommandList& list, std::span<const TimelinePoint> waits,
                              std::span<const TimelinePoint> signals) {
  auto* const compiled = dynamic_cast<CompiledList*>(&list);
  if (!compiled || &compiled->device() != this)
    return fail(ErrorCode::kInvalidArgument, "submit to " + info().id, "the list belongs to another device");
  return device_->submit(compiled->list(), waits, signals);
}

}  // namespace trireme::compiler
