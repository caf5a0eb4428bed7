// KernelCall: a kernel with what it is bound to, and CallBuilder, with which templates write one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "compiler/kernel/builder.h"
#include "hal/ops.h"
#include "hal/target.h"

namespace trireme::compiler {

// What a kernel's buffer is, in terms of the op.
struct Binding {
  enum class Kind : uint8_t {
    kInput,      // of the op, by its number among all inputs
    kOutput,     // of the op
    kPlane,      // of the constant that is input `index`, see WeightLayout
    kWorkspace,  // of the op: `bytes` of it from its start
    kRowCount,   // the I32 that limits the rows of `rows`; the kernel's first launch constant is its index
  };
  Kind kind = Kind::kInput;
  int index = 0;
  int plane = 0;
  RowDomain rows = RowDomain::kFixed;
  uint64_t offset = 0, bytes = 0;  // of a plane: the part of it; no bytes: all of it
};

struct KernelCall {
  kernel::Function function;
  std::vector<Binding> bindings;  // as the function's buffers
  std::array<uint32_t, 3> groups = {1, 1, 1};
  std::vector<uint32_t> words;  // of the launch constants behind the row count's
};

// An op as kernels that run one after the other.
using OpCalls = std::vector<KernelCall>;
uint64_t workspace_bytes(const OpCalls& calls);

// Of one axis of a grid: what every device allows (Vulkan's least maxComputeWorkGroupCount).
inline constexpr uint32_t kMostGroups = 65535;

class CallBuilder : public kernel::Builder {
 public:
  CallBuilder(std::string name, uint32_t group_size) : Builder(std::move(name), group_size) {}

  // Buffers for operands of the op.
  uint32_t input(int index, const std::string& name, kernel::Access access = kernel::Access::kRead);
  uint32_t output(int index, const std::string& name, kernel::Access access = kernel::Access::kWrite);
  uint32_t plane(int input, int plane, const std::string& name, uint64_t offset = 0, uint64_t bytes = 0);

  uint32_t workspace(const std::string& name, uint64_t bytes, kernel::Access access);

  // How many rows of an operand count: u32. Once a kernel.
  kernel::Term row_count(const TensorDesc& operand);
  // How many runs of its last dimension count; a tensor of one dimension is one when all of it counts. Once a kernel.
  kernel::Term run_count(const TensorDesc& operand);
  // A number that kernels of the op differ in, else alike. After row_count().
  kernel::Term call_constant(const std::string& name, uint32_t value);

  // The group's number in a grid of linear_grid().
  kernel::Term group_number(const std::array<uint32_t, 3>& grid);

  // The kernel over so many groups; it is verified and simplified. Errors: kUnsupported for more than kMostGroups.
  Result<KernelCall> call(std::array<uint32_t, 3> groups);
  // The op as this kernel alone.
  Result<OpCalls> calls(std::array<uint32_t, 3> groups);

 private:
  std::vector<Binding> bindings_;
  std::vector<uint32_t> words_;
};

// So many groups, or some more: each axis is as long as every device allows.
std::array<uint32_t, 3> linear_grid(int64_t groups);

// The terms of a group's items become one, the same for all of them: by subgroups where the target has them, else by a
// tree in shared memory. Orders memory as a barrier does. `op` is kAdd, kMaximum, or kMinimum of integers. The group's
// size must be a power of two. Exact for maxima and integers; the order of additions is one for the device.
kernel::Term group_reduce(CallBuilder& b, const Target& target, kernel::Op op, kernel::Term value, uint32_t group_size);
// Several of one type at once.
kernel::Terms group_reduce(CallBuilder& b, const Target& target, kernel::Op op, const kernel::Terms& values,
                           uint32_t group_size);

// 1 / sqrt(squares / columns + epsilon): what an RMS norm multiplies by, of the sum of squares.
kernel::Term rms_factor(kernel::Term squares, uint32_t columns, float epsilon);

// a / divisor, correctly rounded, of normal numbers above zero and of zero: zero where the quotient is no normal
// number. Where the target divides to 2.5 ulp, this is done in integers.
kernel::Term exact_quotient(kernel::Builder& b, const Target& target, kernel::Term a, kernel::Term divisor);

inline uint32_t ceil_div(int64_t a, int64_t b) { return uint32_t((a + b - 1) / b); }

}  // namespace trireme::compiler
