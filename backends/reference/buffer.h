// HostBuffer: ordinary memory of this process as device memory.
#pragma once

#include <memory>

#include "hal/buffer.h"

namespace trireme::reference {

class HostBuffer final : public Buffer {
 public:
  // `device` is only compared, to tell this device's buffers from foreign ones.
  static Result<std::shared_ptr<HostBuffer>> allocate(const void* device, uint64_t bytes);
  static std::shared_ptr<HostBuffer> import(const void* device, std::span<std::byte> memory);

  uint64_t size() const override { return memory_.size(); }
  Status write(uint64_t offset, std::span<const std::byte> data) override;
  Status read(uint64_t offset, std::span<std::byte> data) const override;
  Result<std::span<std::byte>> map() override { return memory_; }

  const void* device() const { return device_; }
  std::byte* data() const { return memory_.data(); }

 private:
  struct Release {
    void operator()(std::byte* memory) const;
  };

  const void* device_ = nullptr;
  std::unique_ptr<std::byte, Release> owned_;
  std::span<std::byte> memory_;
};

// The range's first byte. Errors: kInvalidArgument when the range leaves its buffer or the buffer is foreign.
Result<std::byte*> resolve(const void* device, const BufferRange& range);

}  // namespace trireme::reference
