// Softmax and Argmax: a group a row.
#include "compiler/templates/templates.h"

#include <limits>

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
  const Term rows = b.row_count(x) * uint32_t(x.shape.rows() / x.shape[0]);
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

Result<OpCalls> write_reduction(const Argmax&, const OpDesc& op, const Target& target) {
  const TensorDesc& x = op.inputs[0].desc;
  const auto columns = uint32_t(x.shape.back());
  const auto grid = linear_grid(x.shape.rows());
  CallBuilder b("argmax_" + std::to_string(columns), kGroupSize);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term rows = b.row_count(x);
  const Term row = b.named(b.group_number(grid), "row"), item = b.local_id(), start = row * columns;
  b.when(row < rows, [&] {
    // Of an item's own elements the first largest.
    const Term lowest = b.f32(-std::numeric_limits<float>::infinity());
    const Terms best =
        b.loop(item, b.u32(columns), b.u32(kGroupSize), {lowest, item}, [&](Term i, const Terms& carried) {
          const Term value = b.load(in, start + i, kernel::kF32);
          const Term better = carried[0] < value;
          return Terms{select(better, value, carried[0]), select(better, i, carried[1])};
        });
    const Term largest = group_reduce(b, target, Op::kMaximum, best[0], kGroupSize);
    const Term candidate = select(best[0] == largest, best[1], b.u32(columns));
    const Term index = group_reduce(b, target, Op::kMinimum, candidate, kGroupSize);
    b.when(item == 0u, [&] { b.store(out, row, minimum(index, b.u32(columns - 1))); });
  });
  return b.calls(grid);
}

}  // namespace trireme::compiler
