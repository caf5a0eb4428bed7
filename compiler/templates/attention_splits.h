// What groups that share the positions of a query leave of it, and the kernel that joins it.
#pragma once

#include "compiler/templates/attention.h"

namespace trireme::compiler {

// Of a query, by one group: the largest score, the sum of weights, and that of weights times v.
inline uint32_t left_words(const AttentionShape& shape) { return shape.columns + 2; }
// Of all queries, by `splits` groups each.
uint64_t left_bytes(const AttentionShape& shape, uint32_t splits);

// "attention_9x64"
std::string attention_name(const char* kind, const AttentionShape& shape);

// A group a head of a row.
Result<KernelCall> write_join(const Attention& params, const OpDesc& op, const AttentionShape& shape, uint32_t splits,
                              const Target& target);

struct HeadPlace {
  uint32_t y;
  kernel::Term row, head;
};
struct SharedHead {
  uint32_t array;
  uint32_t first;
};
// The group's items pack a head, which lies in shared memory, where it belongs in y.
void quantize_head(CallBuilder& b, const Target& target, const AttentionShape& shape, uint32_t items,
                   const HeadPlace& place, const SharedHead& source);

}  // namespace trireme::compiler
