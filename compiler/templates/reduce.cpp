// Softmax and Argmax: a group a row; TopK: a group a part of a row.
#include "compiler/templates/templates.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace trireme::compiler {

using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

Result<OpCalls> write_reduction(const Softmax&, const OpDesc& op, const Target& target) {
  const TensorDesc& x = op.inputs[0].desc;
  const auto columns = uint32_t(x.shape.back());
  const auto grid = linear_grid(x.shape.rows());
  CallBuilder b("softmax_" + std::to_string(columns), kGroupSize);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term rows = b.run_count(x);
  const Term row = b.named(b.group_number(grid), "row"), item = b.local_id(), start = row * columns;
  const auto over_row = [&](Term initial, const std::function<Term(Term i, Term carried)>& body) {
    return b.loop(item, b.u32(columns), b.u32(kGroupSize), {initial},
                  [&](Term i, const Terms& carried) { return Terms{body(i, carried[0])}; })[0];
  };
  const auto at = [&](Term i) { return b.load(in, start + i, kernel::kF32); };
  b.when(row < rows, [&] {
    const Term most = over_row(b.f32(-std::numeric_limits<float>::infinity()),
                               [&](Term i, Term carried) { return maximum(carried, at(i)); });
    const Term largest = b.named(group_reduce(b, target, Op::kMaximum, most, kGroupSize), "largest");
    const auto grown = [&](Term i) { return apply_function(Op::kExponential, at(i) - largest); };
    const Term sum = over_row(b.f32(0), [&](Term i, Term carried) { return carried + grown(i); });
    const Term total = b.named(group_reduce(b, target, Op::kAdd, sum, kGroupSize), "total");
    b.loop(item, b.u32(columns), b.u32(kGroupSize), [&](Term i) { b.store(out, start + i, grown(i) / total); });
  });
  return b.calls(grid);
}

namespace {

constexpr uint32_t kNaNKey = 0;

// The order of Argmax and TopK as that of integers: of the bits of an f32, a number that is larger for what comes
// first, and kNaNKey for NaNs. Bits are looked at because drivers may take it that there are no NaNs.
Term order_key(CallBuilder& b, Term bits) {
  const Term magnitude = bits & 0x7fffffffu, sign = b.u32(0x80000000);
  const Term is_negative = (magnitude != b.u32(0)) & (b.u32(0) != (bits & sign));
  const Term key = select(is_negative, apply_function(Op::kNot, bits), magnitude | sign);
  return select(b.u32(0x7f800000) < magnitude, b.u32(kNaNKey), key);
}

}  // namespace

Result<OpCalls> write_reduction(const Argmax&, const OpDesc& op, const Target& target) {
  const TensorDesc& x = op.inputs[0].desc;
  const auto columns = uint32_t(x.shape.back());
  const auto grid = linear_grid(x.shape.rows());
  CallBuilder b("argmax_" + std::to_string(columns), kGroupSize);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term rows = b.row_count(x);
  const Term row = b.named(b.group_number(grid), "row"), item = b.local_id(), start = row * columns;
  b.when(row < rows, [&] {
    // Of an item's own numbers the first largest.
    const Terms best = b.loop(item, b.u32(columns), b.u32(kGroupSize), {b.u32(kNaNKey), b.u32(columns)},
                              [&](Term i, const Terms& carried) {
                                const Term key = order_key(b, b.load(in, start + i, kernel::kU32));
                                const Term better = carried[0] < key;
                                return Terms{select(better, key, carried[0]), select(better, i, carried[1])};
                              });
    const Term largest = group_reduce(b, target, Op::kMaximum, best[0], kGroupSize);
    const Term candidate = select(best[0] == largest, best[1], b.u32(columns));
    const Term index = group_reduce(b, target, Op::kMinimum, candidate, kGroupSize);
    b.when(item == 0u, [&] { b.store(out, row, select(index < columns, index, b.u32(0))); });
  });
  return b.calls(grid);
}

namespace {

constexpr uint32_t kPart = 256;  // elements of a row that a group puts in order

// One step of TopK: of each part of a row, the first k elements. Several parts leave a shorter row to the next step.
struct TopStep {
  uint32_t rows = 0, length = 0, k = 0;
  uint32_t parts() const { return ceil_div(length, kPart); }
  uint32_t widest() const { return std::min(length, kPart); }
  uint32_t last() const { return length - (parts() - 1) * kPart; }  // elements of the last part
  uint32_t kept() const { return (parts() - 1) * k + std::min(k, last()); }
  uint64_t kept_words() const { return uint64_t(rows) * kept(); }
};

// The workspace, and where in it a step finds a row's elements and leaves what it keeps: values, then their ids. A step
// that begins or ends the op reads x or writes the outputs instead.
struct TopPlaces {
  uint64_t workspace_bytes = 0;
  std::optional<uint32_t> from, to;  // words
};

// Each element counts those that come before it, and is stored at that place. Elements of a part that a step before has
// left are in the order of their ids where they are equal.
class TopKernel {
 public:
  TopKernel(const OpDesc& op, const TopStep& step, const TopPlaces& places)
      : step_(step),
        own_(ceil_div(step.widest(), kGroupSize)),
        grid_(linear_grid(int64_t(step.rows) * step.parts())),
        b_("top_" + std::to_string(step.k) + "_of_" + std::to_string(step.length), kGroupSize) {
    b_.comment("a group " + (step.parts() == 1 ? std::string("a row") : std::to_string(kPart) + " elements of a row"));
    uint32_t left = 0;
    if (places.from || places.to) left = b_.workspace("left", places.workspace_bytes, kernel::Access::kReadWrite);
    source_ = {left, left, places.from.value_or(0), places.from.value_or(0) + step.rows * step.length, true};
    target_ = {left, left, places.to.value_or(0), places.to.value_or(0) + uint32_t(step.kept_words()), true};
    if (!places.from) source_ = {b_.input(0, "x"), 0, 0, 0, false};
    if (!places.to) {
      target_ = {b_.output(0, "values"), 0, 0, 0, true};
      target_.ids = b_.output(1, "ids");
    }
    keys_ = b_.shared("keys", kernel::kU32, step.widest());
    rows_ = b_.row_count(op.inputs[0].desc);
  }

  Result<KernelCall> write() {
    const Term number = b_.group_number(grid_);
    row_ = b_.named(step_.parts() == 1 ? number : number / step_.parts(), "row");
    part_ = step_.parts() == 1 ? b_.u32(0) : number % step_.parts();
    for (uint32_t i = 0; i < own_; ++i) elements_.push_back(b_.local_id() + i * kGroupSize);
    b_.when(row_ < rows_, [&] {
      count_ = b_.u32(step_.widest());
      if (step_.last() != step_.widest()) count_ = select(part_ == step_.parts() - 1, b_.u32(step_.last()), count_);
      share_keys();
      store(places());
    });
    return b_.call(grid_);
  }

 private:
  // Buffers, and the words in them before values and before ids.
  struct Elements {
    uint32_t values = 0, ids = 0;
    uint32_t first = 0, first_id = 0;
    bool has_ids = true;  // else an element's place in its row
  };

  Term at(Term element) { return row_ * step_.length + part_ * kPart + element; }

  void share_keys() {
    for (const Term& element : elements_)
      b_.when(element < count_, [&] {
        const Term bits = b_.load(source_.values, at(element) + source_.first, kernel::kU32);
        b_.store_shared(keys_, element, order_key(b_, bits));
      });
    b_.barrier();
  }

  // Of each own element: how many of the part come before it.
  Terms places() {
    Terms own_keys;
    for (const Term& element : elements_) own_keys.push_back(b_.load_shared(keys_, minimum(element, count_ - 1u)));
    return b_.loop(b_.u32(0), count_, b_.u32(1), Terms(own_, b_.u32(0)), [&](Term other, const Terms& before) {
      const Term key = b_.load_shared(keys_, other);
      Terms after;
      for (uint32_t i = 0; i < own_; ++i) {
        // The lower index comes before an equal; no key is so large that it wraps around.
        const Term wins = key + convert(other < elements_[i], Scalar::kU32);
        after.push_back(before[i] + convert(own_keys[i] < wins, Scalar::kU32));
      }
      return after;
    });
  }

  void store(const Terms& places) {
    for (uint32_t i = 0; i < own_; ++i)
      b_.when((elements_[i] < count_) & (places[i] < step_.k), [&] {
        const Term from = at(elements_[i]), to = row_ * step_.kept() + part_ * step_.k + places[i];
        const Term value = b_.load(source_.values, from + source_.first, kernel::kU32);
        Term id = part_ * kPart + elements_[i];
        if (source_.has_ids) id = b_.load(source_.ids, from + source_.first_id, kernel::kU32);
        b_.store(target_.values, to + target_.first, value);
        b_.store(target_.ids, to + target_.first_id, id);
      });
  }

  const TopStep& step_;
  uint32_t own_;  // elements of an item
  std::array<uint32_t, 3> grid_;
  CallBuilder b_;
  Elements source_, target_;
  uint32_t keys_ = 0;
  Term rows_, row_, part_, count_;
  Terms elements_;
};

}  // namespace

Result<OpCalls> write_reduction(const TopK& params, const OpDesc& op, const Target& target) {
  const Shape& shape = op.inputs[0].desc.shape;
  std::vector<TopStep> steps = {{uint32_t(shape[0]), uint32_t(shape[1]), uint32_t(params.k)}};
  uint64_t words = 0;
  while (steps.back().parts() > 1) {
    words += 2 * steps.back().kept_words();
    steps.push_back({steps[0].rows, steps.back().kept(), steps[0].k});
  }
  TopPlaces places{words * sizeof(float), {}, {}};
  const uint64_t most = target.max_buffer_bytes > 0 ? target.max_buffer_bytes : UINT32_MAX;
  if (places.workspace_bytes > std::min<uint64_t>(most, UINT32_MAX))
    return fail(ErrorCode::kUnsupported, "a workspace of " + std::to_string(places.workspace_bytes) + " bytes",
                "the device binds at most " + std::to_string(most));
  OpCalls calls;
  uint32_t next = 0;
  for (const TopStep& step : steps) {
    places.to = step.parts() > 1 ? std::optional(next) : std::nullopt;
    TRIREME_ASSIGN(KernelCall call, TopKernel(op, step, places).write());
    calls.push_back(std::move(call));
    places.from = places.to;
    next += 2 * uint32_t(step.kept_words());
  }
  return calls;
}

}  // namespace trireme::compiler
