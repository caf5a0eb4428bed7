// Buffer: device memory, and BufferRange: a part of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/result.h"

namespace trireme {

class Buffer {
 public:
  virtual ~Buffer() = default;

  virtual uint64_t size() const = 0;

  // Synchronous copies from and to host memory. The caller orders them against submitted work by timelines.
  // Errors: kInvalidArgument when the range leaves the buffer, kDeviceLost.
  virtual Status write(uint64_t offset, std::span<const std::byte> data) = 0;
  virtual Status read(uint64_t offset, std::span<std::byte> data) const = 0;

  // The buffer's memory in this process's address space, valid as long as the buffer.
  // Errors: kUnsupported where the memory is not visible to the host.
  virtual Result<std::span<std::byte>> map() = 0;
};

// Does not own; the buffer outlives every list that was recorded with the range.
struct BufferRange {
  Buffer* buffer = nullptr;
  uint64_t offset = 0;
  uint64_t bytes = 0;

  explicit operator bool() const { return buffer != nullptr; }
  bool operator==(const BufferRange&) const = default;
  // The part at `start` from this range's own beginning.
  BufferRange part(uint64_t start, uint64_t length) const { return {buffer, offset + start, length}; }
  bool overlaps(const BufferRange& other) const {
    return buffer == other.buffer && offset < other.offset + other.bytes && other.offset < offset + bytes;
  }
};

// Errors: kInvalidArgument when the range is not wholly inside its buffer.
Status check_range(const BufferRange& range);

}  // namespace trireme
