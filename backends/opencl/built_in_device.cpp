#include "backends/opencl/built_in_device.h"

#include <algorithm>

#include "backends/opencl/built_in_list.h"
#include "hal/host_timeline.h"
#include "hal/op_cost.h"
#include "hal/operands.h"

namespace trireme::opencl {
namespace {

WeightUse use_of(const OpDesc& op, size_t input) {
  return weight_use(op.params, int(input)).value_or(WeightUse::kVector);
}

bool takes(const BuiltInCall& call, BuiltInArgument::Kind kind) {
  return std::any_of(call.buffers.begin(), call.buffers.end(),
                     [&](const BuiltInArgument& argument) { return argument.kind == kind; });
}

// A buffer that holds the numbers.
template <typename T>
Result<std::shared_ptr<OpenClBuffer>> filled(const std::shared_ptr<Connection>& connection,
                                             const std::vector<T>& with) {
  TRIREME_ASSIGN(auto buffer, OpenClBuffer::allocate(connection, with.size() * sizeof(T)));
  TRIREME_TRY(buffer->write(0, std::as_bytes(std::span(with))));
  return buffer;
}

// The constants by the numbers of their inputs.
Result<std::vector<std::shared_ptr<const BuiltInWeight>>> constants_of(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants, const Connection& connection) {
  std::vector<std::shared_ptr<const BuiltInWeight>> found(op.inputs.size());
  size_t next = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!op.inputs[i].constant) continue;
    if (next < constants.size()) found[i] = std::dynamic_pointer_cast<const BuiltInWeight>(constants[next]);
    ++next;
    if (!found[i] || found[i]->connection() != &connection || found[i]->desc() != op.inputs[i].desc ||
        found[i]->use() != use_of(op, i))
      return fail(
          ErrorCode::kInvalidArgument, op.text(),
          "constant " + std::to_string(next) + " is not a " + op.inputs[i].desc.text() + " of " + connection.id());
  }
  if (next != constants.size())
    return fail(ErrorCode::kInvalidArgument, op.text(), std::to_string(constants.size()) + " constants were given");
  return found;
}

}  // namespace

Result<std::shared_ptr<BuiltInDevice>> BuiltInDevice::open(std::shared_ptr<const Library> library,
                                                           const DeviceFacts& facts, std::string id) {
  if (const auto reason = facts.refusal())
    return fail(ErrorCode::kUnsupported, "device " + id, *reason, "use another device");
  auto connection = std::make_shared<Connection>(std::move(library), facts, std::move(id));
  TRIREME_TRY(connection->open());
  // make_shared cannot see the constructor.
  return std::shared_ptr<BuiltInDevice>(new BuiltInDevice(std::move(connection)));
}

BuiltInDevice::BuiltInDevice(std::shared_ptr<Connection> connection)
    : connection_(std::move(connection)), info_(connection_->info()), queue_(connection_) {
  info_.features.push_back("built-in kernels");
}

BuiltInCalls BuiltInDevice::calls_of(const OpDesc& op) const {
  BuiltInCalls found = built_in_calls(op);
  const auto* calls = std::get_if<std::vector<BuiltInCall>>(&found);
  for (size_t i = 0; calls && i < calls->size(); ++i)
    if (!connection_->facts().has_built_in((*calls)[i].kernel))
      return Unsupported{"its driver has no built-in kernel " + std::string((*calls)[i].kernel)};
  for (size_t i = 0; calls && i < op.inputs.size(); ++i) {
    if (!op.inputs[i].constant) continue;
    const std::vector<uint64_t> planes = built_in_planes(op.inputs[i].desc, use_of(op, i));
    if (planes.empty()) return Unsupported{"it has no built-in kernel that reads " + op.inputs[i].desc.text()};
    for (const uint64_t bytes : planes)
      if (bytes > connection_->facts().allocation_bytes)
        return Unsupported{"its driver gives no " + std::to_string(bytes) + " bytes at once for a constant"};
  }
  return found;
}

std::vector<Assessment> BuiltInDevice::assess(std::span<const OpDesc> ops) const {
  std::vector<Assessment> answers;
  for (const OpDesc& op : ops) {
    BuiltInCalls calls = calls_of(op);
    if (auto* refused = std::get_if<Unsupported>(&calls)) {
      answers.push_back(std::move(*refused));
      continue;
    }
    OpCost cost = op_cost(op);
    cost.weight_bytes = 0;
    for (size_t i = 0; i < op.inputs.size(); ++i)
      if (op.inputs[i].constant)
        for (const uint64_t bytes : built_in_planes(op.inputs[i].desc, use_of(op, i))) cost.weight_bytes += bytes;
    answers.push_back(cost);
  }
  return answers;
}

Result<std::shared_ptr<Buffer>> BuiltInDevice::allocate(uint64_t bytes) {
  return OpenClBuffer::allocate(connection_, bytes);
}

Result<std::shared_ptr<Buffer>> BuiltInDevice::import_host(std::span<std::byte> memory) {
  return OpenClBuffer::import(connection_, memory);
}

Result<std::shared_ptr<const Weight>> BuiltInDevice::prepare_weight(const HostTensor& tensor, WeightUse use) {
  return BuiltInWeight::create(connection_, tensor, use);
}

Result<std::shared_ptr<const Kernel>> BuiltInDevice::kernel_of(const BuiltInCall& call) {
  std::lock_guard lock(mutex_);
  if (const auto found = kernels_.find(call.kernel); found != kernels_.end()) return found->second;
  KernelSource source;
  source.entry = call.kernel;
  source.group_size = 1;
  source.buffers = uint32_t(call.buffers.size());
  source.launch_words = uint32_t(call.words.size()) + 1;
  TRIREME_ASSIGN(std::shared_ptr<const Kernel> kernel, OpenClKernel::built_in(connection_, source));
  kernels_.emplace(call.kernel, kernel);
  return kernel;
}

Result<std::shared_ptr<const PreparedOp>> BuiltInDevice::prepare(
    const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) {
  BuiltInCalls calls = calls_of(op);
  if (const auto* refused = std::get_if<Unsupported>(&calls))
    return fail(ErrorCode::kUnsupported, info_.id + " cannot do " + op.text(), refused->reason);
  auto prepared = std::make_shared<BuiltInOp>();
  prepared->description = op;
  prepared->calls = std::move(std::get<std::vector<BuiltInCall>>(calls));
  prepared->connection = connection_.get();
  TRIREME_ASSIGN(prepared->constants, constants_of(op, constants, *connection_));
  for (const BuiltInCall& call : prepared->calls) {
    TRIREME_ASSIGN(std::shared_ptr<const Kernel> kernel, kernel_of(call));
    prepared->kernels.push_back(std::move(kernel));
    if (!takes(call, BuiltInArgument::Kind::kZeros)) continue;
    TRIREME_ASSIGN(prepared->zeros, filled(connection_, std::vector<float>(size_t(op.outputs[0].shape.back()))));
  }
  if (op.inputs[0].desc.rows == RowDomain::kFixed) {
    TRIREME_ASSIGN(prepared->fixed_rows,
                   filled(connection_, std::vector<int32_t>{int32_t(op.inputs[0].desc.shape[0])}));
  }
  return prepared;
}

Result<std::unique_ptr<CommandList>> BuiltInDevice::create_command_list() {
  return std::make_unique<BuiltInList>(connection_);
}

Result<std::shared_ptr<Timeline>> BuiltInDevice::create_timeline() { return std::make_shared<HostTimeline>(); }

Status BuiltInDevice::submit(CommandList& list, std::span<const TimelinePoint> waits,
                             std::span<const TimelinePoint> signals) {
  const auto* recorded = dynamic_cast<const BuiltInList*>(&list);
  if (!recorded || recorded->list().connection() != connection_.get() || !recorded->list().finished())
    return fail(ErrorCode::kInvalidArgument, "submit", "the list is not a finished one of this device");
  return queue_.submit(recorded->list(), waits, signals);
}

}  // namespace trireme::opencl
