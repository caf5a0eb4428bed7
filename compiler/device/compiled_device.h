// CompiledDevice: a Device made of a KernelDevice and the compiler's templates.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "compiler/build/kernel_builder.h"
#include "compiler/cache/kernel_cache.h"
#include "compiler/device/bundle.h"
#include "compiler/templates/templates.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

class CompiledDevice final : public Device {
 public:
  CompiledDevice(std::shared_ptr<KernelDevice> device, std::shared_ptr<KernelBuilder> builder,
                 std::optional<KernelCache> cache, TuningTable tuning)
      : device_(std::move(device)),
        builder_(std::move(builder)),
        cache_(std::move(cache)),
        tuning_(std::move(tuning)) {}

  const DeviceInfo& info() const override { return device_->info(); }
  std::vector<MemoryHeap> memory() const override { return device_->memory(); }
  uint64_t loading_bytes() const override;
  MeasuredSpeed measure_speed() override;
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override;

  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override { return device_->allocate(bytes); }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) override {
    return device_->import_host(memory);
  }
  Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) override;
  Result<std::shared_ptr<const PreparedOp>> prepare(const OpDesc& op,
                                                    std::span<const std::shared_ptr<const Weight>> constants) override;
  Result<std::unique_ptr<CommandList>> create_command_list() override;
  Result<std::shared_ptr<Timeline>> create_timeline() override { return device_->create_timeline(); }
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override;

  // The text of the op's kernels. Errors: as assess() would have said.
  Result<std::vector<KernelSource>> sources(const OpDesc& op) const;

  const Target& target() const { return device_->target(); }
  // Where its kernels are kept; null where they are not.
  const std::filesystem::path* cache_folder() const { return cache_ ? &cache_->folder() : nullptr; }
  // The same device with other schedules, for memory and constants of this one: one for each, whose kernels of the op
  // are built together and not kept. Errors, of each alone: those of sources() and of building.
  std::vector<Result<std::unique_ptr<CompiledDevice>>> with_tunings(std::span<const TuningTable> tunings,
                                                                    const OpDesc& op) const;
  // Each bundle's kernel; those that are not known are built together. Errors: as KernelBuilder::build.
  Result<std::vector<std::shared_ptr<const Kernel>>> kernels_of(std::span<const Bundle> bundles);

 private:
  // Errors: why the device cannot do it.
  Result<OpCost> cost_of(const OpDesc& op) const;
  // The same op with other labels is written once.
  Result<const OpCalls*> calls_of(const OpDesc& op) const;
  Result<KernelSource> emit(const kernel::Function& function) const;
  Result<std::vector<std::shared_ptr<const Kernel>>> built(std::span<const KernelSource> sources);

  struct Written {
    OpParams params;
    std::vector<TensorDesc> operands;
    std::vector<bool> constant;
    Result<OpCalls> calls;
  };

  // The calls and what they share.
  using BundleKey = std::pair<std::vector<const KernelCall*>, std::vector<std::vector<uint32_t>>>;

  std::shared_ptr<KernelDevice> device_;
  std::shared_ptr<KernelBuilder> builder_;
  std::optional<KernelCache> cache_;
  TuningTable tuning_;
  std::optional<MeasuredSpeed> speed_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<std::unique_ptr<Written>> written_;
  std::map<std::string, std::shared_ptr<const Kernel>> kernels_;  // by their code
  std::map<BundleKey, std::shared_ptr<const Kernel>> bundles_;
};

}  // namespace trireme::compiler
