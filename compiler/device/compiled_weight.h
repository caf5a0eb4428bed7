// CompiledWeight: a constant in the layout that templates read.
#pragma once

#include <memory>
#include <vector>

#include "compiler/templates/weight_layout.h"
#include "hal/kernel_device.h"

namespace trireme::compiler {

class CompiledWeight final : public Weight {
 public:
  // Packs the tensor and copies it, a few rows at a time. `device` is only for the memory.
  static Result<std::shared_ptr<const CompiledWeight>> create(KernelDevice& device, const HostTensor& tensor,
                                                              WeightUse use);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override;
  bool keeps_source() const override { return false; }
  bool serves(WeightUse use) const override { return (use == WeightUse::kVector) == is_vector_; }

  const KernelDevice* device() const { return device_; }
  BufferRange plane(int index) const { return {planes_[size_t(index)].get(), 0, planes_[size_t(index)]->size()}; }

 private:
  const KernelDevice* device_ = nullptr;
  TensorDesc desc_;
  bool is_vector_ = false;
  std::vector<std::shared_ptr<Buffer>> planes_;
};

}  // namespace trireme::compiler
