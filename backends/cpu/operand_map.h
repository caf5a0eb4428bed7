// OperandMap: where a kernel finds each operand of its op: among the constants or among the bound ranges.
#pragma once

#include <array>

#include "backends/cpu/kernel.h"

namespace trireme::cpu {

class OperandMap {
 public:
  // Constants that are vectors are pointed at; an input that is a packed or mapped weight must be read through its own
  // class, and has no pointer here.
  OperandMap(const OpDesc& desc, Constants constants);

  template <typename T>
  const T* input(const KernelArgs& args, size_t index) const {
    return reinterpret_cast<const T*>(pointer(inputs_[index], args));
  }
  // The storage of an output; an output that aliases an input is written in the input's place.
  template <typename T>
  T* output(const KernelArgs& args, size_t index) const {
    return reinterpret_cast<T*>(args.operands[size_t(outputs_[index])]);
  }

 private:
  struct Source {
    const std::byte* constant = nullptr;
    int operand = -1;
  };
  static const std::byte* pointer(const Source& source, const KernelArgs& args) {
    return source.operand < 0 ? source.constant : args.operands[size_t(source.operand)];
  }

  std::array<Source, 12> inputs_{};
  std::array<int, 4> outputs_{};
};

// The ranges that an op's dispatch must bind, in their order: the descriptor of each.
std::vector<TensorDesc> bound_operands(const OpDesc& desc);

// The tensor whose first dimension is the op's rows.
const TensorDesc& row_tensor(const OpDesc& desc);

}  // namespace trireme::cpu
