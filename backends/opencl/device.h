// OpenClDevice: one device of an OpenCL driver, as a device that runs kernels.
#pragma once

#include "backends/opencl/pocl_cache.h"
#include "backends/opencl/submission_queue.h"

namespace trireme::opencl {

class OpenClDevice final : public KernelDevice {
 public:
  // `pocl_cache` is the process's, where it only builds. Errors: kUnsupported with the facts' refusal, kDeviceLost,
  // kOutOfMemory.
  static Result<std::shared_ptr<OpenClDevice>> open(std::shared_ptr<const Library> library, const DeviceFacts& facts,
                                                    std::string id,
                                                    std::shared_ptr<const PoclCache> pocl_cache = nullptr);

  const DeviceInfo& info() const override { return info_; }
  const Target& target() const override { return target_; }
  std::vector<MemoryHeap> memory() const override { return connection_->memory(); }
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override;
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override;
  Result<std::shared_ptr<Timeline>> create_timeline() override;
  Status submit(KernelList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override;
  Result<std::vector<std::byte>> build_kernel(const KernelSource& source) override;
  Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource& source,
                                                    std::span<const std::byte> built) override;
  Result<std::unique_ptr<KernelList>> create_list() override;

 private:
  OpenClDevice(std::shared_ptr<Connection> connection, std::shared_ptr<const PoclCache> pocl_cache);

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<const PoclCache> pocl_cache_;
  DeviceInfo info_;
  Target target_;
  SubmissionQueue queue_;
};

}  // namespace trireme::opencl
