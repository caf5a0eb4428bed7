// Constants of the cpu device, but for the packed ones of quantized/.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hal/prepared.h"

namespace trireme::cpu {

// A few numbers, as f32 whatever the source's format; I32 stays as it is.
class VectorWeight final : public Weight {
 public:
  // Errors: kInvalidArgument when the data's size does not match, kUnsupported for a format without float values.
  static Result<std::shared_ptr<const Weight>> read(const HostTensor& tensor);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override { return values_.size() * sizeof(float); }
  bool keeps_source() const override { return false; }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(values_.data()); }
  std::span<const float> values() const { return values_; }

 private:
  TensorDesc desc_;
  std::vector<float> values_;
};

// A matrix that is read row by row from where the model file is mapped.
class MappedWeight final : public Weight {
 public:
  // Errors: kInvalidArgument when the sizes of data or planes do not match, kUnsupported without float values.
  static Result<std::shared_ptr<const Weight>> view(const HostTensor& tensor);

  const TensorDesc& desc() const override { return source_.desc; }
  uint64_t device_bytes() const override { return 0; }
  bool keeps_source() const override { return true; }
  // Where a row of a plain format begins.
  const std::byte* row(int64_t index) const { return source_.data.data() + index * row_bytes_; }
  // 0 <= index < rows; values.size() is the columns. Allocates nothing.
  void read_row(int64_t index, std::span<float> values) const;

 private:
  HostTensor source_;
  int64_t row_bytes_ = 0;
};

}  // namespace trireme::cpu
