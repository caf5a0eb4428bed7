// Attention over a paged cache: a group a head of a row. Positions come in chunks of as many as the group has items:
// each item scores one, and then sums its columns of v over the chunk, with the softmax kept online.
#include <limits>

#include "compiler/templates/attention.h"

namespace trireme::compiler {

using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kMostColumns = 512;  // a head's width

// What has no other name in the kernel.
struct Cache {
  CallBuilder& b;
  const AttentionShape& shape;

  Term element(uint32_t buffer, Term index) const {
    if (!shape.half) return b.load(buffer, index, kernel::kF32);
    if (!shape.words) return half_to_float(convert(b.load(buffer, index, kernel::kU16), Scalar::kU32));
    const Term word = b.load(buffer, index >> 1u, kernel::kU32);
    return half_to_float((word >> ((index & 1u) << 4u)) & b.u32(0xffff));
  }
};

AttentionShape attention_shape(const OpDesc& op) {
  const Shape &q = op.inputs[0].desc.shape, &cache = op.inputs[1].desc.shape;
  AttentionShape shape;
  shape.rows = uint32_t(q[0]);
  shape.heads = uint32_t(q[1]);
  shape.columns = uint32_t(q[2]);
  shape.kv_heads = uint32_t(cache[1]);
  shape.block_size = uint32_t(cache[2]);
  shape.table_columns = uint32_t(op.inputs[3].desc.shape[1]);
  shape.half = op.inputs[1].desc.format == &formats::f16();
  shape.words = cache.elements() % 2 == 0;
  return shape;
}

}  // namespace

AttentionOperands bind(CallBuilder& b) {
  AttentionOperands operands;
  operands.q = b.input(0, "q");
  operands.k_cache = b.input(1, "k_cache");
  operands.v_cache = b.input(2, "v_cache");
  operands.table = b.input(3, "block_table");
  operands.positions = b.input(4, "positions");
  operands.sequences = b.input(5, "sequences");
  operands.y = b.output(0, "y");
  return operands;
}

Term first_position(CallBuilder& b, const Attention& params, Term length) {
  if (params.window == 0) return b.u32(0);
  const auto window = uint32_t(params.window);
  return select(length < window, b.u32(0), length - window);
}

Term capped(const Attention& params, Term score) {
  if (params.softcap <= 0) return score;
  return like(score, params.softcap) * activate(Activation::kTanh, score / like(score, params.softcap));
}

Result<OpCalls> write_attention(const Attention& params, const OpDesc& op, const Target& target) {
  const AttentionShape shape = attention_shape(op);
  const uint32_t heads = shape.heads, columns = shape.columns, kv_heads = shape.kv_heads;
  const uint32_t block_size = shape.block_size;
  if (columns > kMostColumns)
    return fail(ErrorCode::kUnsupported, "attention", "heads of more than 512 elements have no template");
  if (shape.half && !shape.words && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "attention", "a cache of an odd number of f16 needs 16-bit loads");
  if (target.vector_lanes > 1) return write_attention_lanes(params, op, shape, target);
  CallBuilder b("attention_" + std::to_string(heads) + "x" + std::to_string(columns), kGroupSize);
  const auto [q, k_cache, v_cache, table, positions, sequences, y] = bind(b);
  const uint32_t query = b.shared("query", kernel::kF32, columns);
  const uint32_t scores = b.shared("scores", kernel::kF32, kGroupSize);
  const uint32_t places = b.shared("places", kernel::kU32, kGroupSize);
  const Cache cache{b, shape};
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term head = b.named(b.group_id(0), "head"), row = b.named(b.group_id(1), "row"), item = b.local_id();
  const uint32_t owned = ceil_div(columns, kGroupSize);  // columns of v that an item sums
  b.when(row < rows, [&] {
    const Term start = (row * heads + head) * columns;
    b.loop(item, b.u32(columns), b.u32(kGroupSize),
           [&](Term i) { b.store_shared(query, i, b.load(q, start + i, kernel::kF32)); });
    const Term length = b.named(b.load(positions, row, kernel::kU32) + 1u, "length");
    const Term first = first_position(b, params, length);
    const Term entries = b.load(sequences, row, kernel::kU32) * shape.table_columns;
    Terms state = {b.f32(-std::numeric_limits<float>::infinity()), b.f32(0)};  // largest score, sum of weights
    for (uint32_t i = 0; i < owned; ++i) state.push_back(b.f32(0));
    const Terms done = b.loop(first, length, b.u32(kGroupSize), state, [&](Term chunk, const Terms& carried) {
      const Term position = chunk + item;
      b.barrier();
      b.when(position < length, [&] {
        const Term block = b.load(table, entries + position / block_size, kernel::kU32);
        const Term place =
            ((block * kv_heads + head / (heads / kv_heads)) * block_size + position % block_size) * columns;
        const Terms dot = b.loop(b.u32(0), b.u32(columns), b.u32(1), {b.f32(0)}, [&](Term i, const Terms& sum) {
          const Term value = b.load_shared(query, i);
          return Terms{fused_multiply_add(value, cache.element(k_cache, place + i), sum[0])};
        });
        b.store_shared(places, item, place);
        b.store_shared(scores, item, capped(params, dot[0] * b.f32(params.scale)));
      });
      b.barrier();
      const Term count = minimum(length - chunk, b.u32(kGroupSize));
      const Terms largest = b.loop(b.u32(0), count, b.u32(1), {carried[0]}, [&](Term i, const Terms& most) {
        return Terms{maximum(most[0], b.load_shared(scores, i))};
      });
      const Term shrink = apply_function(Op::kExponential, carried[0] - largest[0]);
      Terms sums = {carried[1] * shrink};
      for (uint32_t i = 0; i < owned; ++i) sums.push_back(carried[2 + i] * shrink);
      const Terms added = b.loop(b.u32(0), count, b.u32(1), sums, [&](Term i, const Terms& before) {
        const Term score = b.load_shared(scores, i);
        const Term place = b.load_shared(places, i);
        const Term weight = apply_function(Op::kExponential, score - largest[0]);
        Terms after = {before[0] + weight};
        for (uint32_t part = 0; part < owned; ++part) {
          const Term column = minimum(item + part * kGroupSize, b.u32(columns - 1));
          after.push_back(fused_multiply_add(weight, cache.element(v_cache, place + column), before[1 + part]));
        }
        return after;
      });
      Terms next = {largest[0]};
      next.insert(next.end(), added.begin(), added.end());
      return next;
    });
    for (uint32_t part = 0; part < owned; ++part) {
      const Term column = item + part * kGroupSize, value = done[2 + part] / done[1];
      b.when(column < columns, [&] {
        if (params.quantize) {
          b.store_shared(query, column, value);  // nothing reads the query any more
        } else {
          b.store(y, start + column, value);
        }
      });
    }
    if (!params.quantize) return;
    b.barrier();
    b.loop(item, b.u32(columns / 32), b.u32(kGroupSize), [&](Term part) {
      store_q8_group(b, target, {y, row, head * (columns / 32) + part, int64_t(heads) * columns},
                     [&](Term i) { return b.load_shared(query, (part << 5u) + i); });
    });
  });
  return b.calls({heads, shape.rows, 1});
}

}  // namespace trireme::compiler
