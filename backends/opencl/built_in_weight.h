// BuiltInWeight: a constant in the layout that built-in kernels read.
#pragma once

#include <memory>
#include <vector>

#include "backends/opencl/buffer.h"
#include "hal/prepared.h"

namespace trireme::opencl {

// The bytes of each plane of a constant. Vectors are one plane of f32, F16 matrices one plane as they are; of integer
// codes, plane 0 has the codes as int8, [rows, columns], and planes 1 and 2 scales and minima as f32, [rows, groups].
// Empty when built-in kernels read no such constant.
std::vector<uint64_t> built_in_planes(const TensorDesc& desc, WeightUse use);

class BuiltInWeight final : public Weight {
 public:
  // Errors: kUnsupported for a constant without planes, kInvalidArgument when sizes disagree, kOutOfMemory.
  static Result<std::shared_ptr<const BuiltInWeight>> create(std::shared_ptr<Connection> connection,
                                                             const HostTensor& tensor, WeightUse use);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override;
  bool keeps_source() const override { return false; }

  const Connection* connection() const { return planes_[0]->connection(); }
  WeightUse use() const { return use_; }
  BufferRange plane(int index) const { return {planes_[size_t(index)].get(), 0, planes_[size_t(index)]->size()}; }

 private:
  Status fill(const HostTensor& tensor);
  Status fill_codes(const HostTensor& tensor, int64_t first, int64_t count);

  TensorDesc desc_;
  WeightUse use_ = WeightUse::kVector;
  std::vector<std::shared_ptr<OpenClBuffer>> planes_;
};

}  // namespace trireme::opencl
