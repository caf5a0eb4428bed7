#include "backends/opencl/device.h"

#include <algorithm>

#include "hal/host_timeline.h"

namespace trireme::opencl {
namespace {

Target target_of(const DeviceFacts& facts) {
  Target target;
  target.language = TargetLanguage::kOpenClC;
  target.version = facts.c_version;
  target.build_key =
      facts.platform_name + "; " + facts.platform_version + "; " + facts.name + "; " + facts.driver_version;
  target.compute_units = facts.compute_units;
  target.max_group_size = uint32_t(std::min<uint64_t>(facts.group_size, UINT32_MAX));
  target.shared_bytes = uint32_t(std::min<uint64_t>(facts.local_bytes, UINT32_MAX));
  target.max_buffer_bytes = facts.allocation_bytes;
  target.small_stores = true;
  target.integer_dot = facts.has("cl_khr_integer_dot_product");
  target.exact_division = facts.exact_division;
  target.subgroup_size = facts.subgroup_size;
  target.compiler_may_abort = true;  // drivers bring LLVM, which ends the process where it finds itself wrong
  target.repacks_weights = !facts.unified_memory && !facts.software();
  target.software = facts.software();
  if (facts.software()) target.vector_lanes = facts.vector_lanes;
  return target;
}

}  // namespace

Result<std::shared_ptr<OpenClDevice>> OpenClDevice::open(std::shared_ptr<const Library> library,
                                                         const DeviceFacts& facts, std::string id,
                                                         std::shared_ptr<const PoclCache> pocl_cache) {
  if (const auto reason = facts.refusal())
    return fail(ErrorCode::kUnsupported, "device " + id, *reason, "use another device");
  auto connection = std::make_shared<Connection>(std::move(library), facts, std::move(id));
  TRIREME_TRY(connection->open());
  // make_shared cannot see the constructor.
  return std::shared_ptr<OpenClDevice>(new OpenClDevice(std::move(connection), std::move(pocl_cache)));
}

OpenClDevice::OpenClDevice(std::shared_ptr<Connection> connection, std::shared_ptr<const PoclCache> pocl_cache)
    : connection_(std::move(connection)),
      pocl_cache_(std::move(pocl_cache)),
      info_(connection_->info()),
      target_(target_of(connection_->facts())),
      queue_(connection_) {
  if (connection_->command_buffers()) info_.features.push_back("command_buffers");
  if (target_.integer_dot) info_.features.push_back("integer_dot");
  if (target_.subgroup_size > 0) info_.features.push_back("subgroups of " + std::to_string(target_.subgroup_size));
}

Result<std::shared_ptr<Buffer>> OpenClDevice::allocate(uint64_t bytes) {
  return OpenClBuffer::allocate(connection_, bytes);
}

Result<std::shared_ptr<Buffer>> OpenClDevice::import_host(std::span<std::byte> memory) {
  return OpenClBuffer::import(connection_, memory);
}

Result<std::shared_ptr<Timeline>> OpenClDevice::create_timeline() { return std::make_shared<HostTimeline>(); }

Status OpenClDevice::submit(KernelList& list, std::span<const TimelinePoint> waits,
                            std::span<const TimelinePoint> signals) {
  const auto* recorded = dynamic_cast<const OpenClKernelList*>(&list);
  if (!recorded || recorded->connection() != connection_.get() || !recorded->finished())
    return fail(ErrorCode::kInvalidArgument, "submit", "the list is not a finished one of this device");
  return queue_.submit(*recorded, waits, signals);
}

Result<std::vector<std::byte>> OpenClDevice::build_kernel(const KernelSource& source) {
  return OpenClKernel::build(*connection_, source, pocl_cache_.get());
}

Result<std::shared_ptr<const Kernel>> OpenClDevice::load_kernel(const KernelSource& source,
                                                                std::span<const std::byte> built) {
  return OpenClKernel::load(connection_, source, built);
}

Result<std::unique_ptr<KernelList>> OpenClDevice::create_list() {
  return std::make_unique<OpenClKernelList>(connection_);
}

}  // namespace trireme::opencl
