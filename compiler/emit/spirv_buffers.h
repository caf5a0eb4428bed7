// SpirvBuffers: how a kernel sees its buffers. They are storage buffers, but for a target that fetches texels those
// which are only read in one way, word by word or four words at once, are uniform texel buffers.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "compiler/emit/spirv_ops.h"

namespace trireme::compiler {

class SpirvBuffers {
 public:
  // All outlive it.
  SpirvBuffers(const kernel::Function& function, const Target& target, SpirvModule& module, SpirvOps& ops);

  // Whether elements of the buffer are fetched instead of loaded.
  bool is_texels(uint32_t buffer) const { return texel_lanes_[buffer] > 0; }
  // The element at an index of one that is, and the pointer to one that is not.
  SpirvId fetch(uint32_t buffer, kernel::Type type, SpirvId index);
  SpirvId pointer(uint32_t buffer, kernel::Type type, SpirvId index);

 private:
  SpirvId storage(uint32_t buffer, kernel::Type type);
  SpirvId texels(uint32_t buffer);
  SpirvId declare(uint32_t buffer, spv::StorageClass storage, SpirvId type, const std::string& element);

  const kernel::Function& function_;
  SpirvModule& module_;
  SpirvOps& ops_;
  std::vector<int> texel_lanes_;  // by buffer; 0: a storage buffer
  std::map<std::pair<uint32_t, SpirvId>, SpirvId>
      views_;  // by buffer and type: those of one buffer are the same memory
};

}  // namespace trireme::compiler
