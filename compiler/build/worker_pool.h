// WorkerPool: worker processes that build kernels for one device.
#pragma once

#include <mutex>

#include "compiler/build/worker.h"

namespace trireme::compiler {

// Workers are started as they are needed, and kept for what comes later; one that nobody needs ends by itself.
class WorkerPool {
 public:
  WorkerPool(std::filesystem::path program, OpenRequest opening, std::chrono::milliseconds patience)
      : program_(std::move(program)), opening_(std::move(opening)), patience_(patience) {}

  // Builds a kernel in a worker; as many at once as there are callers. Errors: as KernelDevice::build_kernel, and those
  // of Worker::start() and Worker::ask(), which name the kernel and the device: a worker that ends takes its kernel
  // with it, and nothing else.
  Result<std::vector<std::byte>> build(const KernelSource& source);

 private:
  Result<std::unique_ptr<Worker>> started() const;
  std::unique_ptr<Worker> idle();

  std::filesystem::path program_;
  OpenRequest opening_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;  // guarded by mutex_
};

}  // namespace trireme::compiler
