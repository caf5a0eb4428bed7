// What both templates of attention share.
#pragma once

#include "compiler/templates/templates.h"

namespace trireme::compiler {

struct AttentionShape {
  uint32_t rows = 1;  // capacity
  uint32_t heads = 1;
  uint32_t kv_heads = 1;
  uint32_t columns = 1;  // a head's width
  uint32_t block_size = 1;
  uint32_t table_columns = 1;
  bool half = true;   // the cache is in f16
  bool words = true;  // which are whole words of two
};

// Numbers of the kernel's buffers.
struct AttentionOperands {
  uint32_t q = 0, k_cache = 0, v_cache = 0, table = 0, positions = 0, sequences = 0, y = 0;
};
AttentionOperands bind(CallBuilder& b);

// The first position that a row of so many attends to.
kernel::Term first_position(CallBuilder& b, const Attention& params, kernel::Term length);
kernel::Term capped(const Attention& params, kernel::Term score);

Result<OpCalls> write_attention_lanes(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                      const Target& target);

}  // namespace trireme::compiler
