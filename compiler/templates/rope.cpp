// Rope, KvStore and RopeStore on GPUs: a group a head of a row.
#include "compiler/templates/cache_shape.h"
#include "compiler/templates/rope_lanes.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

struct Slot {
  Term number, count;  // of a row, and of the cache
};

// Writes elements of one head to the cache, `read(column)` giving each, unless the slot is negative.
void store_head(CallBuilder& b, uint32_t cache, const CacheShape& shape, const Slot& slot, Term head,
                const std::function<Term(Term)>& read) {
  const Term start = shape.entry(slot.number, head) * shape.columns;
  b.when(slot.number < slot.count, [&] {
    if (!shape.half) {
      b.loop(b.local_id(), b.u32(shape.columns), b.u32(kGroupSize),
             [&](Term i) { b.store(cache, start + i, read(i)); });
    } else if (shape.columns % 2 == 0) {
      b.loop(b.local_id(), b.u32(shape.columns / 2), b.u32(kGroupSize), [&](Term pair) {
        const Term low = float_to_half(read(pair << 1u));
        const Term high = float_to_half(read((pair << 1u) + 1u));
        b.store(cache, (start >> 1u) + pair, low | (high << 16u));
      });
    } else {
      b.loop(b.local_id(), b.u32(shape.columns), b.u32(kGroupSize),
             [&](Term i) { b.store(cache, start + i, convert(float_to_half(read(i)), Scalar::kU16)); });
    }
  });
}

// A head in shared memory: read, normalised and turned. Barriers stand outside of every branch between operands: some
// drivers get them wrong there.
class Head {
 public:
  Head(CallBuilder& b, const Target& target, const RopeStore& op, uint32_t columns, int64_t pairs, uint32_t positions,
       uint32_t frequencies)
      : b_(b),
        target_(target),
        op_(op),
        columns_(columns),
        pairs_(uint32_t(pairs)),
        positions_(positions),
        frequencies_(frequencies),
        head_(b.shared("head", kernel::kF32, columns)) {}

  // Items that belong together fill the head from their operand.
  void read(uint32_t source, Term start) {
    b_.loop(b_.local_id(), b_.u32(columns_), b_.u32(kGroupSize),
            [&](Term i) { b_.store_shared(head_, i, b_.load(source, start + i, kernel::kF32)); });
  }

  // `weight(i)` is element i of the norm's weight; the head stays as it is when it is `plain`. Begins and ends with a
  // barrier.
  void normalize(const std::function<Term(Term)>& weight, Term plain) {
    b_.barrier();
    const Term item = b_.local_id();
    const Terms squares =
        b_.loop(item, b_.u32(columns_), b_.u32(kGroupSize), {b_.f32(0)}, [&](Term i, const Terms& carried) {
          const Term value = b_.load_shared(head_, i);
          return Terms{fused_multiply_add(value, value, carried[0])};
        });
    const Term total = group_reduce(b_, target_, Op::kAdd, squares[0], kGroupSize);
    const Term factor = b_.named(rms_factor(total, columns_, op_.norm.epsilon), "factor");
    b_.loop(item, b_.u32(columns_), b_.u32(kGroupSize), [&](Term i) {
      const Term scaled = weight(i) + b_.f32(op_.norm.weight_offset);
      const Term value = b_.load_shared(head_, i);
      b_.store_shared(head_, i, select(plain, value, value * factor * scaled));
    });
    b_.barrier();
  }

  // Nothing happens to the head's items when it is not `turned`. Ends with a barrier.
  void rotate(Term row, Term turned) {
    const Term position = convert(b_.load(positions_, row, kernel::kI32), Scalar::kF32);
    const bool halves = op_.rope.style == RopeStyle::kHalves;
    const Term end = select(turned, b_.u32(pairs_), b_.u32(0));
    b_.loop(b_.local_id(), end, b_.u32(kGroupSize), [&](Term i) {
      const Term angle = position * b_.load(frequencies_, i, kernel::kF32);
      const Term magnitude = b_.f32(op_.rope.magnitude);
      const Term cosine = apply_function(Op::kCosine, angle) * magnitude;
      const Term sine = apply_function(Op::kSine, angle) * magnitude;
      const Term first = halves ? i : i << 1u, second = halves ? i + pairs_ : (i << 1u) + 1u;
      const Term x = b_.load_shared(head_, first);
      const Term y = b_.load_shared(head_, second);
      b_.store_shared(head_, first, x * cosine - y * sine);
      b_.store_shared(head_, second, x * sine + y * cosine);
    });
    b_.barrier();
  }

  Term at(Term column) { return b_.load_shared(head_, column); }

  void store(uint32_t target, Term start) {
    b_.loop(b_.local_id(), b_.u32(columns_), b_.u32(kGroupSize), [&](Term i) { b_.store(target, start + i, at(i)); });
  }

 private:
  CallBuilder& b_;
  const Target& target_;
  const RopeStore& op_;
  uint32_t columns_;
  uint32_t pairs_;
  uint32_t positions_;
  uint32_t frequencies_;
  uint32_t head_;
};

Status check_cache(const TensorDesc& cache, const Target& target) {
  const CacheShape shape(cache);
  if (shape.half && shape.columns % 2 != 0 && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "f16 cache",
                "a head of " + std::to_string(shape.columns) + " elements needs 16-bit stores");
  return {};
}

// Heads of one operand, counted by the grid's first axis.
struct Heads {
  int source;  // input number of the op
  uint32_t heads;
  Term number;  // of the group's head among them
};

// Copies a head to the cache as it is.
void copy_head(CallBuilder& b, const OpDesc& op, uint32_t x, const Heads& heads, int cache, uint32_t out,
               const Slot& slot, Term row) {
  const CacheShape shape(op.inputs[size_t(cache)].desc);
  const Term start = (row * heads.heads + heads.number) * shape.columns;
  store_head(b, out, shape, slot, heads.number, [&](Term i) { return b.load(x, start + i, kernel::kF32); });
}

Result<OpCalls> write(const Rope& rope, const OpDesc& op, const Target& target) {
  const Shape& shape = op.inputs[0].desc.shape;
  const auto heads = uint32_t(shape[1]), columns = uint32_t(shape[2]);
  CallBuilder b("rope_" + std::to_string(heads) + "x" + std::to_string(columns), kGroupSize);
  const uint32_t x = b.input(0, "x"), positions = b.input(1, "positions");
  const uint32_t frequencies = b.plane(2, 0, "frequencies"), out = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term row = b.named(b.group_id(1), "row"), number = b.named(b.group_id(0), "number");
  const RopeStore params{rope, false, {}};
  Head head(b, target, params, columns, op.inputs[2].desc.shape[0], positions, frequencies);
  b.when(row < rows, [&] {
    const Term start = (row * heads + number) * columns;
    head.read(x, start);
    b.barrier();
    head.rotate(row, b.boolean(true));
    head.store(out, start);
  });
  return b.calls({heads, uint32_t(shape[0]), 1});
}

// The heads of k and of v, to the cache as they are.
Result<OpCalls> write(const KvStore&, const OpDesc& op) {
  const Shape& shape = op.inputs[0].desc.shape;
  const auto heads = uint32_t(shape[1]);
  CallBuilder b("kv_store_" + std::to_string(heads) + "x" + std::to_string(shape[2]), kGroupSize);
  const uint32_t k = b.input(0, "k"), v = b.input(1, "v"), slots = b.input(2, "slots");
  const uint32_t k_cache = b.input(3, "k_cache", Access::kWrite), v_cache = b.input(4, "v_cache", Access::kWrite);
  const Term rows = b.row_count(op.inputs[0].desc), slot_count = cache_slots(b, op.inputs[3].desc);
  const Term row = b.named(b.group_id(1), "row"), number = b.named(b.group_id(0), "number");
  b.when(row < rows, [&] {
    const Slot slot{b.load(slots, row, kernel::kU32), slot_count};
    b.when(number < heads, [&] { copy_head(b, op, k, {0, heads, number}, 3, k_cache, slot, row); });
    b.when(b.u32(heads) <= number, [&] { copy_head(b, op, v, {1, heads, number - heads}, 4, v_cache, slot, row); });
  });
  return b.calls({2 * heads, uint32_t(shape[0]), 1});
}

// A group a head: of q first, then of k, then of v.
Result<OpCalls> write(const RopeStore& params, const OpDesc& op, const Target& target) {
  const Shape& shape = op.inputs[0].desc.shape;
  const auto q_heads = uint32_t(shape[1]), kv_heads = uint32_t(op.inputs[1].desc.shape[1]),
             columns = uint32_t(shape[2]);
  const int next = params.has_norm ? 5 : 3;
  CallBuilder b("rope_store_" + std::to_string(q_heads + 2 * kv_heads) + "x" + std::to_string(columns), kGroupSize);
  const uint32_t q = b.input(0, "q"), k = b.input(1, "k"), v = b.input(2, "v");
  const uint32_t q_weight = params.has_norm ? b.plane(3, 0, "q_weight") : 0;
  const uint32_t k_weight = params.has_norm ? b.plane(4, 0, "k_weight") : 0;
  const uint32_t positions = b.input(next, "positions"), frequencies = b.plane(next + 1, 0, "frequencies");
  const uint32_t slots = b.input(next + 2, "slots");
  const uint32_t k_cache = b.input(next + 3, "k_cache", Access::kWrite);
  const uint32_t v_cache = b.input(next + 4, "v_cache", Access::kWrite);
  const uint32_t out = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[0].desc), slot_count = cache_slots(b, op.inputs[size_t(next + 3)].desc);
  const Term row = b.named(b.group_id(1), "row"), number = b.named(b.group_id(0), "number");
  Head head(b, target, params, columns, op.inputs[size_t(next + 1)].desc.shape[0], positions, frequencies);
  const Term k_end = b.u32(q_heads + kv_heads);
  const Term of_q = number < q_heads, of_v = k_end <= number;
  const Term of_k = (b.u32(q_heads) <= number) & (number < k_end);
  b.when(row < rows, [&] {
    const Slot slot{b.load(slots, row, kernel::kU32), slot_count};
    const Term q_start = (row * q_heads + number) * columns;
    b.when(of_q, [&] { head.read(q, q_start); });
    b.when(of_k, [&] { head.read(k, (row * kv_heads + (number - q_heads)) * columns); });
    b.when(of_v, [&] { head.read(v, (row * kv_heads + (number - k_end)) * columns); });
    if (params.has_norm) {
      head.normalize(
          [&](Term i) {
            const Terms weight = b.branch(
                of_q, [&] { return Terms{b.load(q_weight, i, kernel::kF32)}; },
                [&] { return Terms{b.load(k_weight, i, kernel::kF32)}; });
            return weight[0];
          },
          of_v);
    } else {
      b.barrier();
    }
    head.rotate(row, number < k_end);
    const auto at = [&](Term i) { return head.at(i); };
    const CacheShape cache(op.inputs[size_t(next + 3)].desc);
    b.when(of_q, [&] { head.store(out, q_start); });
    b.when(of_k, [&] { store_head(b, k_cache, cache, slot, number - q_heads, at); });
    b.when(of_v, [&] { store_head(b, v_cache, cache, slot, number - k_end, at); });
  });
  return b.calls({q_heads + 2 * kv_heads, uint32_t(shape[0]), 1});
}

}  // namespace

Result<OpCalls> write_rope(const OpDesc& op, const Target& target) {
  if (const auto* rope = std::get_if<Rope>(&op.params)) return write(*rope, op, target);
  const auto* params = std::get_if<RopeStore>(&op.params);
  const size_t cache = !params ? 3 : params->has_norm ? 8 : 6;
  TRIREME_TRY(check_cache(op.inputs[cache].desc, target));
  if (params)
    return rope_lanes(*params, op, target) > 1 ? write_rope_lanes(*params, op, target) : write(*params, op, target);
  return write(std::get<KvStore>(op.params), op);
}

}  // namespace trireme::compiler
