// What both templates of rope share.
#pragma once

#include "compiler/templates/templates.h"

namespace trireme::compiler {

struct CacheShape {
  bool half = false;
  uint32_t heads, block_size, columns, slots;

  // The number of a head's place in a slot.
  kernel::Term entry(kernel::Term slot, kernel::Term head) const {
    return (slot / block_size * heads + head) * block_size + slot % block_size;
  }
};
CacheShape cache_shape(const TensorDesc& cache);

// RopeStore where an item is a thread of a processor: how many lanes it computes with, 1 where it does not suit.
uint32_t rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target);

}  // namespace trireme::compiler
