// CacheShape: where heads lie in a block of the KV cache, of F16 or F32.
#pragma once

#include "compiler/templates/call.h"
#include "hal/format.h"
#include "hal/tensor_desc.h"

namespace trireme::compiler {

struct CacheShape {
  explicit CacheShape(const TensorDesc& cache)
      : half(cache.format == &formats::f16()),
        heads(uint32_t(cache.shape[1])),
        block_size(uint32_t(cache.shape[2])),
        columns(uint32_t(cache.shape[3])) {}

  // The number of a head's place in a slot.
  kernel::Term entry(kernel::Term slot, kernel::Term head) const {
    const kernel::Term within = slot % block_size;
    return (slot / block_size * heads + head) * block_size + within;
  }

  bool half;
  uint32_t heads, block_size, columns;
};

// How many slots the cache has. No part of the kernel: caches of all sizes have one. After row_count(), once a kernel.
inline kernel::Term cache_slots(CallBuilder& b, const TensorDesc& cache) {
  return b.call_constant("cache_slots", uint32_t(cache.shape[0] * cache.shape[2]));
}

}  // namespace trireme::compiler
