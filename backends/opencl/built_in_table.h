// The table of built-in kernels: which of them compute an op on a device that has no compiler, and the order of their
// arguments.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "hal/device.h"

namespace trireme::opencl {

// A buffer that a built-in kernel takes.
struct BuiltInArgument {
  enum class Kind : uint8_t {
    kInput,     // operand `index` of the op
    kOutput,    // output `index` of the op
    kPlane,     // plane `plane` of the constant that is operand `index`
    kZeros,     // as many f32 zeros as the first output has columns
    kRowCount,  // holds the I32 that limits the rows; its place there is the kernel's first word
  } kind = Kind::kInput;
  int index = 0;
  int plane = 0;
};

// One launch. The kernel takes its buffers in their order, then as a u32 the index of the row count in its buffer, then
// the words.
struct BuiltInCall {
  std::string_view kernel;
  std::vector<BuiltInArgument> buffers;
  std::vector<uint32_t> words;
};

// The launches that compute the op, one after the other, or why there are none.
using BuiltInCalls = std::variant<std::vector<BuiltInCall>, Unsupported>;
BuiltInCalls built_in_calls(const OpDesc& op);

}  // namespace trireme::opencl
