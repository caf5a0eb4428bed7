// CompiledWeight: a constant in the layout that templates read.
#pragma once

#include <memory>
#include <vector>

#include "compiler/device/repack_weight.h"
#include "compiler/templates/call.h"
#include "compiler/templates/weight_layout.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

class CompiledWeight final : public Weight {
 public:
  // Packs the tensor and copies it, a few rows at a time, or has the device repack them, see why_packed_by_host(): by
  // kernels that `build` gives, before it returns. No buffer is larger than the target's max_buffer_bytes. Errors: as
  // row_parts() and repack_rows(), and of allocating.
  static Result<std::shared_ptr<const CompiledWeight>> create(KernelDevice& device, const BuildKernels& build,
                                                              const HostTensor& tensor, WeightUse use);

  // What the buffers of such a constant hold, before there are any. Errors: as row_parts().
  static Result<uint64_t> bytes_of(const TensorDesc& desc, WeightUse use, const Target& target);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override;
  bool keeps_source() const override { return false; }
  bool serves(WeightUse use) const override { return (use == WeightUse::kVector) == is_vector_; }

  const KernelDevice* device() const { return device_; }
  // What a binding reads of a plane; it lies in one of row_parts().
  BufferRange range(const Binding& binding) const;

 private:
  // A part of a plane, from its byte `first` on.
  struct Piece {
    uint64_t first = 0;
    std::shared_ptr<Buffer> buffer;
  };

  Status add(KernelDevice& device, const WeightLayout& layout, const RowPart& part);
  Status repack(KernelDevice& device, const BuildKernels& build, const WeightLayout& layout, const HostTensor& tensor,
                const RowPart& part);
  Status write(const WeightLayout& layout, const HostTensor& tensor, const RowPart& part);

  const KernelDevice* device_ = nullptr;
  TensorDesc desc_;
  bool is_vector_ = false;
  std::vector<std::vector<Piece>> planes_;
};

}  // namespace trireme::compiler
