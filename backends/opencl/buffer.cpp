#include "backends/opencl/buffer.h"

#include <algorithm>

namespace trireme::opencl {
namespace {

// Drivers copy host memory that starts elsewhere.
constexpr uint64_t kPage = 4096;

// Adds to what is allocated, unless the device does not have as much.
bool reserve(Connection& connection, uint64_t bytes) {
  uint64_t before = connection.allocated_bytes();
  do {
    if (bytes > connection.facts().global_bytes - std::min(before, connection.facts().global_bytes)) return false;
  } while (!connection.allocated_bytes().compare_exchange_weak(before, before + bytes));
  return true;
}

}  // namespace

OpenClBuffer::OpenClBuffer(std::shared_ptr<Connection> connection, uint64_t size, uint64_t allocated_bytes)
    : connection_(std::move(connection)), size_(size), allocated_bytes_(allocated_bytes) {}

OpenClBuffer::~OpenClBuffer() { connection_->allocated_bytes() -= allocated_bytes_; }

Result<std::shared_ptr<OpenClBuffer>> OpenClBuffer::allocate(std::shared_ptr<Connection> connection, uint64_t bytes) {
  const DeviceFacts& facts = connection->facts();
  if (bytes > facts.allocation_bytes)
    return fail(ErrorCode::kOutOfMemory, connection->id(),
                "a buffer of " + std::to_string(bytes) + " bytes is more than the " +
                    std::to_string(facts.allocation_bytes) + " that its driver gives at once",
                "use a smaller model, a shorter context or another device");
  if (!reserve(*connection, bytes))
    return fail(
        ErrorCode::kOutOfMemory, connection->id(),
        "of its " + std::to_string(facts.global_bytes) + " bytes fewer than " + std::to_string(bytes) + " are left",
        "use a smaller model, a shorter context or another device");
  // make_shared cannot see the constructor.
  std::shared_ptr<OpenClBuffer> buffer(new OpenClBuffer(std::move(connection), bytes, bytes));
  const Connection& owner = *buffer->connection_;
  cl_int code = CL_SUCCESS;
  // OpenCL has no buffers of nothing.
  cl_mem memory = owner.library().clCreateBuffer(owner.context(), CL_MEM_READ_WRITE,
                                                 size_t(std::max<uint64_t>(bytes, 1)), nullptr, &code);
  buffer->memory_ = owner.own(memory, owner.library().clReleaseMemObject);
  TRIREME_TRY(owner.check(code, "clCreateBuffer", ErrorCode::kOutOfMemory));
  return buffer;
}

Result<std::shared_ptr<OpenClBuffer>> OpenClBuffer::import(std::shared_ptr<Connection> connection,
                                                           std::span<std::byte> memory) {
  const DeviceFacts& facts = connection->facts();
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::kUnsupported, connection->id(), "it cannot use host memory in place: " + why,
                "copy it into a buffer");
  };
  const uint64_t alignment = std::max<uint64_t>(kPage, facts.alignment_bits / 8);
  if (!facts.unified_memory) return refuse("it has its own memory");
  if (memory.empty() || reinterpret_cast<uintptr_t>(memory.data()) % alignment != 0)
    return refuse("it must not be empty, and must start at a multiple of " + std::to_string(alignment));
  if (memory.size() > facts.allocation_bytes)
    return refuse(std::to_string(memory.size()) + " bytes are more than the " + std::to_string(facts.allocation_bytes) +
                  " that its driver takes at once");
  std::shared_ptr<OpenClBuffer> buffer(new OpenClBuffer(std::move(connection), memory.size(), 0));
  const Connection& owner = *buffer->connection_;
  cl_int code = CL_SUCCESS;
  cl_mem imported = owner.library().clCreateBuffer(owner.context(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                                   memory.size(), memory.data(), &code);
  buffer->memory_ = owner.own(imported, owner.library().clReleaseMemObject);
  TRIREME_TRY(owner.check(code, "clCreateBuffer", ErrorCode::kUnsupported));
  return buffer;
}

Status OpenClBuffer::write(uint64_t offset, std::span<const std::byte> data) {
  TRIREME_TRY(check_range({this, offset, data.size()}));
  if (data.empty()) return {};
  const Library& library = connection_->library();
  return connection_->check(library.clEnqueueWriteBuffer(connection_->transfers(), memory_.get(), CL_TRUE,
                                                         size_t(offset), data.size(), data.data(), 0, nullptr, nullptr),
                            "clEnqueueWriteBuffer", ErrorCode::kDeviceLost);
}

Status OpenClBuffer::read(uint64_t offset, std::span<std::byte> data) const {
  TRIREME_TRY(check_range({const_cast<OpenClBuffer*>(this), offset, data.size()}));
  if (data.empty()) return {};
  const Library& library = connection_->library();
  return connection_->check(library.clEnqueueReadBuffer(connection_->transfers(), memory_.get(), CL_TRUE,
                                                        size_t(offset), data.size(), data.data(), 0, nullptr, nullptr),
                            "clEnqueueReadBuffer", ErrorCode::kDeviceLost);
}

Result<std::span<std::byte>> OpenClBuffer::map() {
  return fail(ErrorCode::kUnsupported, connection_->id(), "its buffers cannot stay mapped while kernels use them",
              "read and write them");
}

Result<const OpenClBuffer*> resolve(const Connection& connection, const BufferRange& range) {
  TRIREME_TRY(check_range(range));
  const auto* buffer = dynamic_cast<const OpenClBuffer*>(range.buffer);
  if (!buffer || buffer->connection() != &connection)
    return fail(ErrorCode::kInvalidArgument, "buffer range", "the buffer belongs to another device");
  return buffer;
}

}  // namespace trireme::opencl
