// RopeStore where an item is a thread of a processor: it has all heads of a row, which turn by the same angles.
#include "compiler/templates/rope_lanes.h"

#include <optional>

#include "compiler/templates/cache_shape.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

class RopeLanes {
 public:
  RopeLanes(const RopeStore& params, const OpDesc& op, const Target& target)
      : params_(params),
        lanes_(rope_lanes(params, op, target)),
        q_heads_(uint32_t(op.inputs[0].desc.shape[1])),
        kv_heads_(uint32_t(op.inputs[1].desc.shape[1])),
        columns_(uint32_t(op.inputs[0].desc.shape[2])),
        next_(params.has_norm ? 5 : 3),
        pairs_(uint32_t(op.inputs[size_t(next_ + 1)].desc.shape[0])),
        cache_(op.inputs[size_t(next_ + 3)].desc),
        b_("rope_store_" + std::to_string(q_heads_ + 2 * kv_heads_) + "x" + std::to_string(columns_), 1),
        q_(b_.input(0, "q")),
        k_(b_.input(1, "k")),
        v_(b_.input(2, "v")),
        q_weight_(params.has_norm ? b_.plane(3, 0, "q_weight") : 0),
        k_weight_(params.has_norm ? b_.plane(4, 0, "k_weight") : 0),
        positions_(b_.input(next_, "positions")),
        frequencies_(b_.plane(next_ + 1, 0, "frequencies")),
        slots_(b_.input(next_ + 2, "slots")),
        k_cache_(b_.input(next_ + 3, "k_cache", Access::kWrite)),
        v_cache_(b_.input(next_ + 4, "v_cache", Access::kWrite)),
        out_(b_.output(0, "y")),
        cosines_(b_.shared("cosines", kernel::kF32, turned())),
        sines_(b_.shared("sines", kernel::kF32, turned())),
        rows_(b_.row_count(op.inputs[0].desc)),
        cache_slots_(cache_slots(b_, op.inputs[size_t(next_ + 3)].desc)),
        row_(b_.named(b_.group_id(0), "row")) {
    b_.comment("an item all heads of a row, in vectors of " + std::to_string(lanes_));
  }

  Result<OpCalls> write(int64_t rows) {
    b_.when(row_ < rows_, [&] {
      fill_angles();
      const Term slot = b_.load(slots_, row_, kernel::kU32);
      over(q_heads_, [&](Term head) {
        const Term start = (row_ * q_heads_ + head) * vectors();
        turn(q_, q_weight_, start, [&](Term i, Term value) { b_.store(out_, start + i, value); });
      });
      b_.when(slot < cache_slots_, [&] {
        over(kv_heads_, [&](Term head) {
          const Term start = (row_ * kv_heads_ + head) * vectors(), place = cache_.entry(slot, head) * vectors();
          turn(k_, k_weight_, start, [&](Term i, Term value) { keep(k_cache_, place + i, value); });
          over(vectors(), [&](Term i) { keep(v_cache_, place + i, b_.load(v_, start + i, type())); });
        });
      });
    });
    return b_.calls({uint32_t(rows), 1, 1});
  }

 private:
  bool halves() const { return params_.rope.style == RopeStyle::kHalves; }
  // Elements of the two arrays: of a pair one each, or both where they lie side by side.
  uint32_t turned() const { return halves() ? pairs_ : 2 * pairs_; }
  uint32_t vectors() const { return columns_ / lanes_; }
  Type type() const { return {Scalar::kF32, int(lanes_)}; }
  Term wide(Term value) const { return splat(value, int(lanes_)); }
  void over(uint32_t count, const std::function<void(Term)>& body) {
    b_.loop(b_.u32(0), b_.u32(count), b_.u32(1), body);
  }

  void fill_angles() {
    const int lanes = int(halves() ? lanes_ : lanes_ / 2);
    const Term position = splat(convert(b_.load(positions_, row_, kernel::kI32), Scalar::kF32), lanes);
    const Term magnitude = splat(b_.f32(params_.rope.magnitude), lanes);
    over(turned() / lanes_, [&](Term i) {
      const Term angle = position * b_.load(frequencies_, i, {Scalar::kF32, lanes});
      const Term cosine = apply_function(Op::kCosine, angle) * magnitude;
      const Term sine = apply_function(Op::kSine, angle) * magnitude;
      b_.store_shared(cosines_, i, halves() ? cosine : woven(cosine, cosine));
      b_.store_shared(sines_, i, halves() ? sine : woven(-sine, sine));
    });
  }

  // a0 b0 a1 b1 ..
  static Term woven(Term a, Term b) {
    Terms lanes;
    for (uint32_t lane = 0; lane < uint32_t(a.type().lanes); ++lane) {
      lanes.push_back(extract(a, lane));
      lanes.push_back(extract(b, lane));
    }
    return pack(lanes);
  }
  static Term swapped(Term pairs) {
    Terms lanes;
    for (uint32_t lane = 0; lane < uint32_t(pairs.type().lanes); ++lane) lanes.push_back(extract(pairs, lane ^ 1));
    return pack(lanes);
  }

  // What the head's vectors are multiplied by before they turn, if anything.
  std::optional<Term> factor(uint32_t source, Term start) {
    if (!params_.has_norm) return std::nullopt;
    const Terms squares =
        b_.loop(b_.u32(0), b_.u32(vectors()), b_.u32(1), {wide(b_.f32(0))}, [&](Term i, const Terms& carried) {
          const Term value = b_.load(source, start + i, type());
          return Terms{fused_multiply_add(value, value, carried[0])};
        });
    Term total = extract(squares[0], 0);
    for (uint32_t lane = 1; lane < lanes_; ++lane) total = total + extract(squares[0], lane);
    return wide(rms_factor(total, columns_, params_.norm.epsilon));
  }

  // Of a head that begins at vector `start`, each turned vector and its number.
  void turn(uint32_t source, uint32_t weight, Term start, const std::function<void(Term, Term)>& store) {
    const std::optional<Term> scale = factor(source, start);
    const auto read = [&](Term i) {
      const Term value = b_.load(source, start + i, type());
      if (!scale) return value;
      return value * *scale * (b_.load(weight, i, type()) + wide(b_.f32(params_.norm.weight_offset)));
    };
    over(turned() / lanes_, [&](Term i) {
      const Term cosine = b_.load_shared(cosines_, i, int(lanes_)), sine = b_.load_shared(sines_, i, int(lanes_));
      const Term x = read(i);
      if (!halves()) return store(i, x * cosine + swapped(x) * sine);
      const Term second = i + pairs_ / lanes_;
      const Term y = read(second);
      store(i, x * cosine - y * sine);
      store(second, x * sine + y * cosine);
    });
    b_.loop(b_.u32(2 * pairs_ / lanes_), b_.u32(vectors()), b_.u32(1), [&](Term i) { store(i, read(i)); });
  }

  void keep(uint32_t cache, Term i, Term value) {
    b_.store(cache, i, cache_.half ? convert(float_to_half(value), Scalar::kU16) : value);
  }

  const RopeStore& params_;
  uint32_t lanes_;
  uint32_t q_heads_, kv_heads_, columns_;
  int next_;
  uint32_t pairs_;
  CacheShape cache_;
  CallBuilder b_;
  uint32_t q_, k_, v_, q_weight_, k_weight_, positions_, frequencies_, slots_, k_cache_, v_cache_, out_;
  uint32_t cosines_, sines_;  // of the row's angles, with the rope's magnitude; interleaved pairs have -sine first
  Term rows_, cache_slots_;
  Term row_;
};

}  // namespace

uint32_t rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target) {
  const int next = params.has_norm ? 5 : 3;
  const auto columns = uint32_t(op.inputs[0].desc.shape[2]);
  const auto pairs = uint32_t(op.inputs[size_t(next + 1)].desc.shape[0]);
  const uint32_t turned = params.rope.style == RopeStyle::kHalves ? pairs : 2 * pairs;
  uint32_t lanes = target.vector_lanes;
  while (lanes > 1 && (columns % lanes != 0 || turned % lanes != 0)) lanes /= 2;
  const bool stores = target.small_stores || !CacheShape(op.inputs[size_t(next + 3)].desc).half;
  return lanes >= 4 && stores ? lanes : 1;
}

Result<OpCalls> write_rope_lanes(const RopeStore& params, const OpDesc& op, const Target& target) {
  return RopeLanes(params, op, target).write(op.inputs[0].desc.shape[0]);
}

}  // namespace trireme::compiler
