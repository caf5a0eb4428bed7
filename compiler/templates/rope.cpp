// Rope, KvStore and RopeStore: a group a head of a row.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

struct CacheShape {
  bool half = false;
  uint32_t heads, block_size, columns, slots;
};

CacheShape cache_shape(const TensorDesc& cache) {
  const Shape& shape = cache.shape;
  return {cache.format == &formats::f16(), uint32_t(shape[1]), uint32_t(shape[2]), uint32_t(shape[3]),
          uint32_t(shape[0] * shape[2])};
}

// Writes elements of one head to the cache, `read(column)` giving each, unless the slot is negative.
void store_head(CallBuilder& b, uint32_t cache, const CacheShape& shape, Term slot, Term head,
                const std::function<Term(Term)>& read) {
  const Term block = slot / shape.block_size, offset = slot % shape.block_size;
  const Term start = ((block * shape.heads + head) * shape.block_size + offset) * shape.columns;
  b.when(slot < shape.slots, [&] {
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

// A head in shared memory: read, normalised and turned.
class Head {
 public:
  Head(CallBuilder& b, const RopeStore& op, uint32_t columns, int64_t pairs, uint32_t positions, uint32_t frequencies)
      : b_(b),
        op_(op),
        columns_(columns),
        pairs_(uint32_t(pairs)),
        positions_(positions),
        frequencies_(frequencies),
        head_(b.shared("head", kernel::kF32, columns)) {}

  // `weight` counts with a norm alone. Ends with a barrier.
  void load(uint32_t source, Term start, uint32_t weight) {
    const Term item = b_.local_id();
    const Terms squares =
        b_.loop(item, b_.u32(columns_), b_.u32(kGroupSize), {b_.f32(0)}, [&](Term i, const Terms& carried) {
          const Term value = b_.load(source, start + i, kernel::kF32);
          b_.store_shared(head_, i, value);
          return Terms{fused_multiply_add(value, value, carried[0])};
        });
    if (!op_.has_norm) return b_.barrier();
    const Term total = group_reduce(b_, Op::kAdd, squares[0], kGroupSize);
    const Term mean = total / b_.f32(float(columns_)) + b_.f32(op_.norm.epsilon);
    const Term factor = b_.f32(1) / apply_function(Op::kSquareRoot, mean);
    b_.loop(item, b_.u32(columns_), b_.u32(kGroupSize), [&](Term i) {
      const Term scaled = b_.load(weight, i, kernel::kF32) + b_.f32(op_.norm.weight_offset);
      b_.store_shared(head_, i, b_.load_shared(head_, i) * factor * scaled);
    });
    b_.barrier();
  }

  // Ends with a barrier.
  void rotate(Term row) {
    const Term position = convert(b_.load(positions_, row, kernel::kI32), Scalar::kF32);
    const bool halves = op_.rope.style == RopeStyle::kHalves;
    b_.loop(b_.local_id(), b_.u32(pairs_), b_.u32(kGroupSize), [&](Term i) {
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
  const RopeStore& op_;
  uint32_t columns_;
  uint32_t pairs_;
  uint32_t positions_;
  uint32_t frequencies_;
  uint32_t head_;
};

Status check_cache(const TensorDesc& cache, const Target& target) {
  const CacheShape shape = cache_shape(cache);
  if (shape.half && shape.columns % 2 != 0 && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "f16 cache",
                "a head of " + std::to_string(shape.columns) + " elements needs 16-bit stores");
  return {};
}

// q, k: turned and written to `q_out` or the cache. Input numbers of the op.
struct HeadCall {
  const char* name;
  int source;
  int weight;  // of the norm
  int cache;   // -1: output 0
};

Result<KernelCall> write_head(const RopeStore& params, const OpDesc& op, const HeadCall& head, int positions,
                              int slots) {
  const Shape& shape = op.inputs[size_t(head.source)].desc.shape;
  const auto heads = uint32_t(shape[1]), columns = uint32_t(shape[2]);
  CallBuilder b(std::string(head.name) + "_" + std::to_string(heads) + "x" + std::to_string(columns), kGroupSize);
  const uint32_t x = b.input(head.source, "x");
  const uint32_t weight = params.has_norm ? b.plane(head.weight, 0, "weight") : 0;
  const uint32_t position = b.input(positions, "positions");
  const uint32_t frequencies = b.plane(positions + 1, 0, "frequencies");
  const uint32_t slot = head.cache < 0 ? 0 : b.input(slots, "slots");
  const uint32_t out = head.cache < 0 ? b.output(0, "y") : b.input(head.cache, "cache", Access::kWrite);
  const Term rows = b.row_count(op.inputs[size_t(head.source)].desc);
  const Term row = b.named(b.group_id(1), "row"), number = b.named(b.group_id(0), "number");
  Head state(b, params, columns, op.inputs[size_t(positions + 1)].desc.shape[0], position, frequencies);
  b.when(row < rows, [&] {
    const Term start = (row * heads + number) * columns;
    state.load(x, start, weight);
    state.rotate(row);
    if (head.cache < 0) return state.store(out, start);
    store_head(b, out, cache_shape(op.inputs[size_t(head.cache)].desc), b.load(slot, row, kernel::kU32), number,
               [&](Term i) { return state.at(i); });
  });
  return b.call({heads, uint32_t(shape[0]), 1});
}

// Copies heads to the cache as they are.
Result<KernelCall> write_store(const OpDesc& op, int source, int slots, int cache) {
  const Shape& shape = op.inputs[size_t(source)].desc.shape;
  const auto heads = uint32_t(shape[1]), columns = uint32_t(shape[2]);
  CallBuilder b("kv_store_" + std::to_string(heads) + "x" + std::to_string(columns), kGroupSize);
  const uint32_t x = b.input(source, "x"), slot = b.input(slots, "slots");
  const uint32_t out = b.input(cache, "cache", Access::kWrite);
  const Term rows = b.row_count(op.inputs[size_t(source)].desc);
  const Term row = b.named(b.group_id(1), "row"), number = b.named(b.group_id(0), "number");
  b.when(row < rows, [&] {
    const Term start = (row * heads + number) * columns;
    store_head(b, out, cache_shape(op.inputs[size_t(cache)].desc), b.load(slot, row, kernel::kU32), number,
               [&](Term i) { return b.load(x, start + i, kernel::kF32); });
  });
  return b.call({heads, uint32_t(shape[0]), 1});
}

}  // namespace

Result<OpCalls> write_rope(const OpDesc& op, const Target& target) {
  OpCalls calls;
  const auto add = [&](Result<KernelCall> call) -> Status {
    if (!call) return fail(std::move(call).error());
    calls.push_back(std::move(*call));
    return {};
  };
  if (const auto* rope = std::get_if<Rope>(&op.params)) {
    const RopeStore params{*rope, false, {}};
    TRIREME_TRY(add(write_head(params, op, {"rope", 0, -1, -1}, 1, -1)));
    return calls;
  }
  const auto* params = std::get_if<RopeStore>(&op.params);
  const int positions = params && params->has_norm ? 5 : 3;
  const int slots = params ? positions + 2 : 2;
  TRIREME_TRY(check_cache(op.inputs[size_t(slots + 1)].desc, target));
  if (params) {
    TRIREME_TRY(add(write_head(*params, op, {"rope_q", 0, 3, -1}, positions, slots)));
    TRIREME_TRY(add(write_head(*params, op, {"rope_k", 1, 4, slots + 1}, positions, slots)));
    TRIREME_TRY(add(write_store(op, 2, slots, slots + 2)));
    return calls;
  }
  TRIREME_TRY(add(write_store(op, 0, slots, slots + 1)));
  TRIREME_TRY(add(write_store(op, 1, slots, slots + 2)));
  return calls;
}

}  // namespace trireme::compiler
