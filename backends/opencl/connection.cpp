#include "backends/opencl/connection.h"

#include <algorithm>
#include <utility>

#include "backends/opencl/error.h"

namespace trireme::opencl {

Connection::Connection(std::shared_ptr<const Library> library, DeviceFacts facts, std::string id)
    : library_(std::move(library)),
      facts_(std::move(facts)),
      id_(std::move(id)),
      command_buffers_(CommandBufferCalls::find(*library_, facts_)) {}

Status Connection::open() {
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                              reinterpret_cast<cl_context_properties>(facts_.platform), 0};
  cl_int code = CL_SUCCESS;
  context_ =
      own(library_->clCreateContext(properties, 1, &facts_.device, note, this, &code), library_->clReleaseContext);
  TRIREME_TRY(check(code, "clCreateContext", ErrorCode::kDeviceLost));
  for (Handle<cl_command_queue>* queue : {&lists_, &transfers_}) {
    *queue =
        own(library_->clCreateCommandQueue(context_.get(), facts_.device, 0, &code), library_->clReleaseCommandQueue);
    TRIREME_TRY(check(code, "clCreateCommandQueue", ErrorCode::kDeviceLost));
  }
  return {};
}

DeviceInfo Connection::info() const {
  DeviceInfo info;
  info.id = id_;
  info.name = facts_.name;
  info.driver = facts_.driver();
  info.software = facts_.software();
  info.numeric = {.fused_multiply_add = false, .accumulator_epsilon = 0x1p-24, .kv_format = &formats::f16()};
  return info;
}

std::vector<MemoryHeap> Connection::memory() const {
  const uint64_t total = facts_.global_bytes, allocated = allocated_bytes_;
  return {{facts_.unified_memory ? "system" : "device", total, total - std::min(total, allocated)}};
}

Status Connection::check(cl_int code, std::string_view call, ErrorCode otherwise) const {
  if (code == CL_SUCCESS) return {};
  const Error error = call_error(id_, call, code, otherwise);
  std::lock_guard lock(mutex_);
  if (note_.empty()) return fail(error);
  const std::string note = std::exchange(note_, {});
  return fail(error.code(), error.what(), error.why() + ", and its driver says: " + note, error.remedy());
}

void Connection::note(const char* text, const void*, size_t, void* connection) {
  auto* self = static_cast<Connection*>(connection);
  std::lock_guard lock(self->mutex_);
  self->note_ = text ? text : "";
}

}  // namespace trireme::opencl
