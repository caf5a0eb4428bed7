#include "compiler/templates/attention_splits.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Term;
using kernel::Terms;

uint64_t left_bytes(const AttentionShape& shape, uint32_t splits) {
  return uint64_t(shape.rows) * shape.heads * splits * left_words(shape) * sizeof(float);
}

std::string attention_name(const char* kind, const AttentionShape& shape) {
  return kind + std::to_string(shape.heads) + "x" + std::to_string(shape.columns);
}

void quantize_head(CallBuilder& b, const Target& target, const AttentionShape& shape, uint32_t items,
                   const HeadPlace& place, const SharedHead& source) {
  const uint32_t parts = shape.columns / 32;
  b.loop(b.local_id(), b.u32(parts), b.u32(items), [&](Term part) {
    const Q8Group group{place.y, place.row, place.head * parts + part, int64_t(shape.heads) * shape.columns};
    store_q8_group(b, target, group,
                   [&](Term i) { return b.load_shared(source.array, (part << 5u) + i + source.first); });
  });
}

Result<KernelCall> write_join(const Attention& params, const OpDesc& op, const AttentionShape& shape, uint32_t splits,
                              const Target& target) {
  CallBuilder b(attention_name("attention_join_", shape), kGroupSize);
  b.comment("what " + std::to_string(splits) + " groups found of their positions");
  const uint32_t left = b.workspace("left", left_bytes(shape, splits), Access::kRead), y = b.output(0, "y");
  const uint32_t value = params.quantize ? b.shared("value", kernel::kF32, shape.columns) : 0;
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term head = b.named(b.group_id(0), "head"), row = b.named(b.group_id(1), "row"), item = b.local_id();
  const uint32_t words = left_words(shape);
  b.when(row < rows, [&] {
    const Term query = row * shape.heads + head, start = query * (splits * words);
    Terms largest, factors;
    for (uint32_t split = 0; split < splits; ++split)
      largest.push_back(b.load(left, start + split * words, kernel::kF32));
    Term most = largest[0];
    for (const Term& other : largest) most = maximum(most, other);
    Term weight = b.f32(0);
    for (uint32_t split = 0; split < splits; ++split) {
      factors.push_back(apply_function(Op::kExponential, largest[split] - most));
      const Term own = b.load(left, start + (split * words + 1), kernel::kF32);
      weight = fused_multiply_add(own, factors[split], weight);
    }
    b.loop(item, b.u32(shape.columns), b.u32(kGroupSize), [&](Term column) {
      Term sum = b.f32(0);
      for (uint32_t split = 0; split < splits; ++split) {
        const Term own = b.load(left, start + column + (split * words + 2), kernel::kF32);
        sum = fused_multiply_add(own, factors[split], sum);
      }
      if (params.quantize) {
        b.store_shared(value, column, sum / weight);
      } else {
        b.store(y, query * shape.columns + column, sum / weight);
      }
    });
    if (!params.quantize) return;
    b.barrier();
    quantize_head(b, target, shape, kGroupSize, {y, row, head}, {value, 0});
  });
  return b.call({shape.heads, shape.rows, 1});
}

}  // namespace trireme::compiler
