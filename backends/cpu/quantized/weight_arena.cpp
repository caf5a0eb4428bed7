#include "backends/cpu/quantized/weight_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace trireme::cpu::quantized {
namespace {

constexpr size_t kHugePage = size_t(2) << 20;
constexpr size_t kLargestSlab = size_t(64) << 20;
constexpr size_t kAlignment = 64;

size_t round_up(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

}  // namespace

Result<std::shared_ptr<std::byte[]>> WeightArena::allocate(size_t bytes) {
  const auto refuse = [&] {
    return fail(ErrorCode::kOutOfMemory, "packed weight", "no " + std::to_string(bytes) + " bytes are free",
                "use a smaller model or fewer layers on this device");
  };
  constexpr size_t kAddressSpace = size_t(1) << 47;
  if (bytes >= kAddressSpace) return refuse();
  const std::lock_guard lock(mutex_);
  if (slab_ == nullptr || slab_bytes_ - used_ < bytes) {
    const size_t grown = std::min(2 * slab_bytes_, kLargestSlab);
    const size_t slab_bytes = round_up(std::max({bytes, grown, kHugePage}), kHugePage);
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(kHugePage, slab_bytes));
    if (memory == nullptr) return refuse();
    madvise(memory, slab_bytes, MADV_HUGEPAGE);  // a hint: where it fails, only speed is lost
    slab_ = std::shared_ptr<std::byte[]>(memory, [](std::byte* begin) { std::free(begin); });
    slab_bytes_ = slab_bytes;
    used_ = 0;
  }
  std::byte* begin = slab_.get() + used_;
  used_ = std::min(slab_bytes_, round_up(used_ + bytes, kAlignment));
  return std::shared_ptr<std::byte[]>(slab_, begin);
}

}  // namespace trireme::cpu::quantized
