// Buffers, and what copies them.
#include <algorithm>

#include "tests/opencl_double/driver.h"
#include "tests/opencl_double/enqueue.h"

namespace trireme::opencl_double {
namespace {

constexpr cl_mem_flags kAccess = CL_MEM_READ_WRITE | CL_MEM_READ_ONLY | CL_MEM_WRITE_ONLY;
constexpr cl_mem_flags kHost = CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR | CL_MEM_COPY_HOST_PTR;

bool flags_make_sense(cl_mem_flags flags) {
  const cl_mem_flags access = flags & kAccess;
  if ((flags & ~(kAccess | kHost)) != 0 || (access & (access - 1)) != 0) return false;
  return (flags & CL_MEM_USE_HOST_PTR) == 0 || (flags & (CL_MEM_ALLOC_HOST_PTR | CL_MEM_COPY_HOST_PTR)) == 0;
}

bool reserve(Device& device, uint64_t bytes) {
  uint64_t before = device.allocated_bytes;
  do {
    if (bytes > device.global_bytes - std::min(before, device.global_bytes)) return false;
  } while (!device.allocated_bytes.compare_exchange_weak(before, before + bytes));
  return true;
}

cl_int create_buffer(cl_context handle, cl_mem_flags flags, size_t bytes, void* host, cl_mem& created) {
  constexpr char kCall[] = "clCreateBuffer";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto context = driver().contexts.find(handle);
  if (!context) return driver().violation(CL_INVALID_CONTEXT, kCall, "the context");
  if (!flags_make_sense(flags)) return driver().violation(CL_INVALID_VALUE, kCall, "the flags contradict each other");
  if (bytes == 0 || bytes > kAllocationBytes)
    return driver().violation(CL_INVALID_BUFFER_SIZE, kCall, std::to_string(bytes) + " bytes");
  if ((host != nullptr) != ((flags & (CL_MEM_USE_HOST_PTR | CL_MEM_COPY_HOST_PTR)) != 0))
    return driver().violation(CL_INVALID_HOST_PTR, kCall, "flags and host memory do not fit each other");
  if (context->lost) return CL_OUT_OF_RESOURCES;
  if (!reserve(*context->device, bytes)) return CL_MEM_OBJECT_ALLOCATION_FAILURE;
  auto buffer = std::make_shared<Buffer>();
  buffer->context = context;
  buffer->bytes = bytes;
  cl_int code = CL_SUCCESS;
  buffer->memory = context->engine->allocate(flags, bytes, host, code);
  if (code == CL_SUCCESS) created = driver().buffers.add(std::move(buffer));
  return code;
}

cl_int create_part(cl_mem handle, cl_mem_flags flags, cl_buffer_create_type type, const void* info, cl_mem& created) {
  constexpr char kCall[] = "clCreateSubBuffer";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto parent = driver().buffers.find(handle);
  if (!parent || parent->parent)
    return driver().violation(CL_INVALID_MEM_OBJECT, kCall, "the buffer is none, or a part itself");
  if (!flags_make_sense(flags) || (flags & kHost) != 0 || type != CL_BUFFER_CREATE_TYPE_REGION || !info)
    return driver().violation(CL_INVALID_VALUE, kCall, "the flags, the type or the region");
  const auto& region = *static_cast<const cl_buffer_region*>(info);
  if (region.size == 0) return driver().violation(CL_INVALID_BUFFER_SIZE, kCall, "it is empty");
  if (region.origin > parent->bytes || region.size > parent->bytes - region.origin)
    return driver().violation(CL_INVALID_VALUE, kCall, "the region leaves its buffer");
  if (region.origin % kBaseAlignment != 0)
    return driver().violation(CL_MISALIGNED_SUB_BUFFER_OFFSET, kCall,
                              "it begins at " + std::to_string(region.origin) + ", which is no multiple of " +
                                  std::to_string(kBaseAlignment));
  auto buffer = std::make_shared<Buffer>();
  buffer->context = parent->context;
  buffer->parent = parent;
  buffer->origin = region.origin;
  buffer->bytes = region.size;
  cl_int code = CL_SUCCESS;
  buffer->memory = parent->memory->part(region.origin, region.size, code);
  if (code == CL_SUCCESS) created = driver().buffers.add(std::move(buffer));
  return code;
}

// A copy between the host and a range of a buffer.
struct HostCopy {
  const char* call;
  cl_command_queue queue;
  cl_mem buffer;
  size_t offset;
  size_t bytes;
  const void* host;
};

cl_int check(const HostCopy& copy, std::shared_ptr<CommandQueue>& queue, std::shared_ptr<Buffer>& buffer) {
  queue = driver().queues.find(copy.queue);
  if (!queue) return driver().violation(CL_INVALID_COMMAND_QUEUE, copy.call, "the queue");
  buffer = driver().buffers.find(copy.buffer);
  if (!buffer) return driver().violation(CL_INVALID_MEM_OBJECT, copy.call, "the buffer is none, or was released");
  if (buffer->context != queue->context())
    return driver().violation(CL_INVALID_CONTEXT, copy.call, "queue and buffer have different contexts");
  if (!copy.host) return driver().violation(CL_INVALID_VALUE, copy.call, "there is no host memory");
  if (copy.bytes == 0 || copy.offset > buffer->bytes || copy.bytes > buffer->bytes - copy.offset)
    return driver().violation(CL_INVALID_VALUE, copy.call,
                              std::to_string(copy.bytes) + " bytes at " + std::to_string(copy.offset) +
                                  " are no range of a buffer of " + std::to_string(buffer->bytes));
  return CL_SUCCESS;
}

}  // namespace
}  // namespace trireme::opencl_double

using namespace trireme::opencl_double;

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t bytes, void* host, cl_int* code) {
  cl_mem created = nullptr;
  store(code, create_buffer(context, flags, bytes, host, created));
  return created;
}

cl_mem clCreateSubBuffer(cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void* info,
                         cl_int* code) {
  cl_mem created = nullptr;
  store(code, create_part(buffer, flags, type, info, created));
  return created;
}

cl_int clReleaseMemObject(cl_mem buffer) {
  if (driver().buffers.take(buffer)) return CL_SUCCESS;
  return driver().violation(CL_INVALID_MEM_OBJECT, "clReleaseMemObject", "it is none, or was released");
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
                           void* host, cl_uint wait_count, const cl_event* waits, cl_event* event) {
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  std::shared_ptr<CommandQueue> on;
  std::shared_ptr<Buffer> from;
  if (const cl_int code = check({"clEnqueueReadBuffer", queue, buffer, offset, bytes, host}, on, from);
      code != CL_SUCCESS)
    return code;
  return enqueue("clEnqueueReadBuffer", on, {wait_count, waits, event, blocking == CL_TRUE},
                 [from, offset, host, bytes] { return from->memory->read(offset, host, bytes); });
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t bytes,
                            const void* host, cl_uint wait_count, const cl_event* waits, cl_event* event) {
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  std::shared_ptr<CommandQueue> on;
  std::shared_ptr<Buffer> to;
  if (const cl_int code = check({"clEnqueueWriteBuffer", queue, buffer, offset, bytes, host}, on, to);
      code != CL_SUCCESS)
    return code;
  return enqueue("clEnqueueWriteBuffer", on, {wait_count, waits, event, blocking == CL_TRUE},
                 [to, offset, host, bytes] { return to->memory->write(offset, host, bytes); });
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem source, cl_mem target, size_t source_offset,
                           size_t target_offset, size_t bytes, cl_uint wait_count, const cl_event* waits,
                           cl_event* event) {
  constexpr char kCall[] = "clEnqueueCopyBuffer";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  std::shared_ptr<CommandQueue> on;
  std::shared_ptr<Buffer> from, to;
  // Any memory does for the check.
  for (const auto& [buffer, offset, found] :
       {std::tuple(source, source_offset, &from), std::tuple(target, target_offset, &to)})
    if (const cl_int code = check({kCall, queue, buffer, offset, bytes, &bytes}, on, *found); code != CL_SUCCESS)
      return code;
  const size_t first = source_offset + from->origin, second = target_offset + to->origin;
  if (&from->root() == &to->root() && first < second + bytes && second < first + bytes)
    return driver().violation(CL_MEM_COPY_OVERLAP, kCall, "the ranges overlap");
  return enqueue(kCall, on, {wait_count, waits, event, false}, [=] {
    std::vector<std::byte> data(bytes);
    const cl_int code = from->memory->read(source_offset, data.data(), bytes);
    return code != CL_SUCCESS ? code : to->memory->write(target_offset, data.data(), bytes);
  });
}
