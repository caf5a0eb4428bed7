#include "backends/cpu/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace trireme::cpu {
namespace {

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kHugePage = uint64_t{2} << 20;

}  // namespace

void CpuBuffer::Free::operator()(std::byte* memory) const { std::free(memory); }

Result<std::shared_ptr<CpuBuffer>> CpuBuffer::allocate(const void* device, uint64_t bytes) {
  const uint64_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  const auto out_of_memory = [&] {
    return fail(ErrorCode::kOutOfMemory, "device cpu:0",
                "no memory for a buffer of " + std::to_string(bytes) + " bytes",
                "use a smaller model or context, or free memory");
  };
  if (bytes > UINT64_MAX / 2) return out_of_memory();
  const uint64_t rounded = std::max(kAlignment, (bytes + alignment - 1) / alignment * alignment);
  auto buffer = std::make_shared<CpuBuffer>();
  buffer->device_ = device;
  buffer->owned_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
  if (!buffer->owned_) return out_of_memory();
#if defined(MADV_HUGEPAGE)
  if (alignment == kHugePage) (void)madvise(buffer->owned_.get(), rounded, MADV_HUGEPAGE);
#endif
  buffer->memory_ = {buffer->owned_.get(), size_t(bytes)};
  return buffer;
}

std::shared_ptr<CpuBuffer> CpuBuffer::import(const void* device, std::span<std::byte> memory) {
  auto buffer = std::make_shared<CpuBuffer>();
  buffer->device_ = device;
  buffer->memory_ = memory;
  return buffer;
}

Status CpuBuffer::check(uint64_t offset, uint64_t bytes) const {
  if (offset <= size() && bytes <= size() - offset) return {};
  return fail(ErrorCode::kInvalidArgument, "buffer of cpu:0",
              "bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) + " are outside its " +
                  std::to_string(size()));
}

Status CpuBuffer::write(uint64_t offset, std::span<const std::byte> data) {
  TRIREME_TRY(check(offset, data.size()));
  if (!data.empty()) std::memcpy(memory_.data() + offset, data.data(), data.size());
  return {};
}

Status CpuBuffer::read(uint64_t offset, std::span<std::byte> data) const {
  TRIREME_TRY(check(offset, data.size()));
  if (!data.empty()) std::memcpy(data.data(), memory_.data() + offset, data.size());
  return {};
}

}  // namespace trireme::cpu
