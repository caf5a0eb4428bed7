// KernelBuilder: from sources to kernels that a device is ready to launch.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "compiler/build/build_options.h"
#include "compiler/cache/kernel_cache.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

class WorkerPool;

// Builds several kernels at once: in worker processes where the device's compiler may abort and a worker is named, else
// on threads where the driver allows that, else one after the other. Workers are started when the first is needed.
class KernelBuilder {
 public:
  using Built = Result<std::shared_ptr<const Kernel>>;

  KernelBuilder(std::shared_ptr<KernelDevice> device, BuildOptions options);
  ~KernelBuilder();
  KernelBuilder(const KernelBuilder&) = delete;
  KernelBuilder& operator=(const KernelBuilder&) = delete;

  // A kernel for each source, in their order; what the cache keeps is not built, and the same source is built once. One
  // call at a time. `cache` may be null. Errors, of each kernel alone: those of build_kernel() and load_kernel(), and
  // of WorkerPool::build().
  std::vector<Built> build(std::span<const KernelSource> sources, const KernelCache* cache);

 private:
  struct Job;

  void take_kept(Job& job, const KernelCache* cache) const;
  void build_missing(std::span<Job*> jobs, const KernelCache* cache);
  Built load_built(const KernelSource& source, std::span<const std::byte> built) const;
  Result<std::vector<std::byte>> build_bytes(const KernelSource& source) const;

  std::shared_ptr<KernelDevice> device_;
  BuildOptions options_;
  std::unique_ptr<WorkerPool> workers_;  // null: builds happen in this process
};

}  // namespace trireme::compiler
