// Bundle: launches that may run at the same time as one launch of one kernel.
#pragma once

#include <span>
#include <vector>

#include "compiler/templates/call.h"
#include "hal/buffer.h"

namespace trireme::compiler {

// A kernel with what it is bound to in a list.
struct BoundCall {
  const KernelCall* call = nullptr;
  std::vector<BufferRange> buffers;
  std::vector<uint32_t> words;
};

// Several calls: the groups of the first axis are dealt to them, one after the other.
struct Bundle {
  std::vector<const KernelCall*> calls;
  std::vector<std::vector<uint32_t>> numbers;  // of each call's buffers among the bundle's
  std::vector<BufferRange> buffers;
  std::vector<uint32_t> words;
  std::array<uint32_t, 3> groups = {0, 1, 1};
};

// The calls, none of which depends on another, in as few bundles as their shapes and the target's limits allow. What
// several calls of one bundle read is one buffer of it.
std::vector<Bundle> bundle(std::span<const BoundCall> calls, const Target& target);

// The bundle's kernel. Errors: kInternal when the calls do not fit together.
Result<kernel::Function> kernel_of(const Bundle& bundle);

}  // namespace trireme::compiler
