// Memory: the bytes of a buffer, wherever a device has them.
#pragma once

#include "backends/opencl/library.h"

#include <cstddef>
#include <memory>

namespace trireme::opencl_double {

// Ranges were checked by the caller.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual cl_int write(size_t offset, const void* data, size_t bytes) = 0;
  virtual cl_int read(size_t offset, void* data, size_t bytes) const = 0;
  // The same bytes from `offset` on. Null with a code when it cannot be.
  virtual std::shared_ptr<Memory> part(size_t offset, size_t bytes, cl_int& code) = 0;
};

}  // namespace trireme::opencl_double
