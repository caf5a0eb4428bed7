// OpenClKernel: one function of a built program.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/opencl/connection.h"
#include "backends/opencl/pocl_cache.h"
#include "hal/kernel_device.h"

namespace trireme::opencl {

class OpenClKernel final : public Kernel {
 public:
  // As KernelDevice::build_kernel and load_kernel. `pocl_cache` is null where the process does not only build.
  static Result<std::vector<std::byte>> build(const Connection& connection, const KernelSource& source,
                                              const PoclCache* pocl_cache);
  static Result<std::shared_ptr<const OpenClKernel>> load(std::shared_ptr<Connection> connection,
                                                          const KernelSource& source, std::span<const std::byte> built);

  // A kernel that the device brings along. Errors: kInternal when it takes another number of arguments.
  static Result<std::shared_ptr<const OpenClKernel>> built_in(std::shared_ptr<Connection> connection,
                                                              const KernelSource& source);

  const KernelSource& source() const override { return source_; }
  const Connection* connection() const { return connection_.get(); }
  // A function object for one recorded launch: arguments are state of the object.
  Result<Handle<cl_kernel>> instance() const;

 private:
  OpenClKernel(std::shared_ptr<Connection> connection, const KernelSource& source);

  std::shared_ptr<Connection> connection_;
  KernelSource source_;
  Handle<cl_program> program_;
};

}  // namespace trireme::opencl
