// OpenClBuffer: memory of an OpenCL device.
#pragma once

#include "backends/opencl/connection.h"
#include "hal/buffer.h"

namespace trireme::opencl {

class OpenClBuffer final : public Buffer {
 public:
  // Errors: kOutOfMemory.
  static Result<std::shared_ptr<OpenClBuffer>> allocate(std::shared_ptr<Connection> connection, uint64_t bytes);
  // Errors: kUnsupported where the device has its own memory, or the range is not one that it can use in place.
  static Result<std::shared_ptr<OpenClBuffer>> import(std::shared_ptr<Connection> connection,
                                                      std::span<std::byte> memory);
  ~OpenClBuffer() override;

  uint64_t size() const override { return size_; }
  Status write(uint64_t offset, std::span<const std::byte> data) override;
  Status read(uint64_t offset, std::span<std::byte> data) const override;
  // OpenCL 1.2 leaves open what kernels see of memory that stays mapped.
  Result<std::span<std::byte>> map() override;

  const Connection* connection() const { return connection_.get(); }
  cl_mem memory() const { return memory_.get(); }

 private:
  OpenClBuffer(std::shared_ptr<Connection> connection, uint64_t size, uint64_t allocated_bytes);

  std::shared_ptr<Connection> connection_;
  uint64_t size_;
  uint64_t allocated_bytes_;  // counted as this device's
  Handle<cl_mem> memory_;
};

// The buffer of a range. Errors: kInvalidArgument when the range leaves its buffer or the buffer is foreign.
Result<const OpenClBuffer*> resolve(const Connection& connection, const BufferRange& range);

}  // namespace trireme::opencl
