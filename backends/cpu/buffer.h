// CpuBuffer: ordinary memory of this process, owned or borrowed.
#pragma once

#include <memory>

#include "hal/buffer.h"

namespace trireme::cpu {

// Kernels read whole vectors inside a row only, so buffers need no padding. They begin on 64 bytes; those of 2 MB and
// more on 2 MB, in huge pages where the system gives them.
class CpuBuffer final : public Buffer {
 public:
  // `device` tells the buffers of several devices apart.
  static Result<std::shared_ptr<CpuBuffer>> allocate(const void* device, uint64_t bytes);
  static std::shared_ptr<CpuBuffer> import(const void* device, std::span<std::byte> memory);

  uint64_t size() const override { return memory_.size(); }
  Status write(uint64_t offset, std::span<const std::byte> data) override;
  Status read(uint64_t offset, std::span<std::byte> data) const override;
  Result<std::span<std::byte>> map() override { return memory_; }

  std::byte* data() const { return memory_.data(); }
  const void* device() const { return device_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  Status check(uint64_t offset, uint64_t bytes) const;

  const void* device_ = nullptr;
  std::unique_ptr<std::byte, Free> owned_;  // null when imported
  std::span<std::byte> memory_;
};

}  // namespace trireme::cpu
