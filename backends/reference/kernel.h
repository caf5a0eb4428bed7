// Kernel: an op of this device that is ready to run; HostWeight: a constant decoded to f32.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hal/prepared.h"

namespace trireme::reference {

// Rows of floats in the tensor's own order, whatever its format was.
class HostWeight final : public Weight {
 public:
  // Errors: kInvalidArgument when the sizes disagree, kUnsupported for a format without float values, kOutOfMemory.
  static Result<std::shared_ptr<const HostWeight>> decode(const HostTensor& tensor);

  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override { return decoded_.size() * sizeof(float); }
  bool keeps_source() const override { return decoded_.empty(); }
  const float* values() const { return values_; }

 private:
  TensorDesc desc_;
  std::vector<float> decoded_;  // empty when the source already is aligned f32
  const float* values_ = nullptr;
};

// One operand while its op runs. A constant is always f32 in memory.
struct Tensor {
  const TensorDesc* desc = nullptr;
  std::byte* data = nullptr;

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
  int64_t size(int axis) const { return desc->shape[axis]; }
  int64_t columns() const { return desc->shape.back(); }
  // Elements of one entry of the first dimension.
  int64_t stride() const { return desc->shape.elements() / desc->shape[0]; }
};

// What an op's loops work on.
struct Call {
  static constexpr size_t kMaxInputs = 10;
  static constexpr size_t kMaxOutputs = 3;

  std::array<Tensor, kMaxInputs> in;
  std::array<Tensor, kMaxOutputs> out;
  const int32_t* token_count = nullptr;
  const int32_t* output_count = nullptr;

  // Entries of the tensor's first dimension that count in this run. Errors: kInvalidArgument for a count that is
  // missing, negative or above the capacity.
  Result<int64_t> rows(const Tensor& tensor) const;
};

class Kernel final : public PreparedOp {
 public:
  // Errors: kUnsupported with unsupported()'s reason, kInvalidArgument when the constants are not the op's.
  static Result<std::shared_ptr<const Kernel>> create(const OpDesc& op,
                                                      std::span<const std::shared_ptr<const Weight>> constants);

  const OpDesc& desc() const override { return desc_; }
  uint64_t workspace_bytes() const override { return 0; }

  // The operand descriptors that DispatchOperands::ranges must fit, in their order.
  const std::vector<TensorDesc>& bound() const { return bound_; }
  // A call whose constants are filled in and whose bound operands are at `memory`, in the order of bound().
  Call call(std::span<std::byte* const> memory) const;
  Status run(const Call& call) const;

 private:
  OpDesc desc_;
  std::vector<std::shared_ptr<const HostWeight>> constants_;
  std::vector<TensorDesc> bound_;
};

// Why this device cannot do the op, or nothing when it can.
std::optional<std::string> unsupported(const OpDesc& op);

}  // namespace trireme::reference
