#include "backends/reference/buffer.h"

#include <unistd.h>

#include <cstring>
#include <new>

namespace trireme::reference {
namespace {

constexpr std::align_val_t kAlignment{64};

// The system promises more than it has, and ends the process that believes it.
uint64_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? uint64_t(pages) * uint64_t(page_bytes) : 0;
}

}  // namespace

void HostBuffer::Release::operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }

Result<std::shared_ptr<HostBuffer>> HostBuffer::allocate(const void* device, uint64_t bytes) {
  void* memory = nullptr;
  if (bytes <= physical_memory()) memory = ::operator new(size_t(bytes), kAlignment, std::nothrow);
  if (!memory)
    return fail(ErrorCode::kOutOfMemory, "reference:0", "the system has no " + std::to_string(bytes) + " bytes left",
                "use a smaller model or a shorter context");
  auto buffer = std::make_shared<HostBuffer>();
  buffer->device_ = device;
  buffer->owned_.reset(static_cast<std::byte*>(memory));
  buffer->memory_ = {buffer->owned_.get(), size_t(bytes)};
  return buffer;
}

std::shared_ptr<HostBuffer> HostBuffer::import(const void* device, std::span<std::byte> memory) {
  auto buffer = std::make_shared<HostBuffer>();
  buffer->device_ = device;
  buffer->memory_ = memory;
  return buffer;
}

Status HostBuffer::write(uint64_t offset, std::span<const std::byte> data) {
  TRIREME_TRY(check_range({this, offset, data.size()}));
  if (!data.empty()) std::memcpy(memory_.data() + offset, data.data(), data.size());
  return {};
}

Status HostBuffer::read(uint64_t offset, std::span<std::byte> data) const {
  TRIREME_TRY(check_range({const_cast<HostBuffer*>(this), offset, data.size()}));
  if (!data.empty()) std::memcpy(data.data(), memory_.data() + offset, data.size());
  return {};
}

Result<std::byte*> resolve(const void* device, const BufferRange& range) {
  TRIREME_TRY(check_range(range));
  const auto* buffer = dynamic_cast<const HostBuffer*>(range.buffer);
  if (!buffer || buffer->device() != device)
    return fail(ErrorCode::kInvalidArgument, "buffer range", "the buffer belongs to another device");
  return buffer->data() + range.offset;
}

}  // namespace trireme::reference
