// EmbedRows and GatherRows: a group copies a row.
#include "compiler/templates/templates.h"
#include "compiler/templates/weight_reader.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;

namespace {

// `source` gives an element of a row of the part, of which the first call has the ids that name no row too: they give
// zeros.
Result<KernelCall> gather(CallBuilder& b, const OpDesc& op, uint32_t ids, const RowPart& part, uint32_t all_rows,
                          const std::function<Term(Term row, Term column)>& source) {
  const TensorDesc& y = op.outputs[0];
  const auto columns = uint32_t(y.shape.back());
  const uint32_t out = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[1].desc);
  const Term row = b.named(b.group_id(1), "row");
  const Term column = b.named(b.group_id(0) * kGroupSize + b.local_id(), "column");
  b.when((row < rows) & (column < columns), [&] {
    const Term id = b.named(b.load(ids, row, kernel::kU32), "id");
    if (part.first > 0) {
      const Term inside = id - part.first;
      b.when(inside < part.count, [&] { b.store(out, row * columns + column, source(inside, column)); });
      return;
    }
    const auto store = [&] {
      const kernel::Terms value = b.branch(
          id < all_rows, [&] { return kernel::Terms{source(id, column)}; }, [&] { return kernel::Terms{b.f32(0)}; });
      b.store(out, row * columns + column, value[0]);
    };
    if (part.count == all_rows) return store();
    b.when((id < part.count) | (b.u32(all_rows) <= id), store);
  });
  return b.call({ceil_div(columns, kGroupSize), uint32_t(y.shape.rows()), 1});
}

}  // namespace

Result<OpCalls> write_rows(const EmbedRows& params, const OpDesc& op, const Target& target) {
  const TensorDesc& table = op.inputs[0].desc;
  TRIREME_ASSIGN(const std::vector<RowPart> parts, row_parts(table, target));
  OpCalls calls;
  for (const RowPart& part : parts) {
    CallBuilder b("embed_" + std::to_string(table.shape.back()), kGroupSize);
    b.comment("rows of a table in " + table.format->name);
    const WeightLayout layout = weight_layout(table, target);
    const WeightReader reader(b, layout, bind_planes(b, table, layout, 0, "table", part), table.shape.back());
    const uint32_t ids = b.input(1, "ids");
    TRIREME_ASSIGN(KernelCall call, gather(b, op, ids, part, uint32_t(table.shape.rows()), [&](Term row, Term column) {
                     const Term value = reader.element(row, column);
                     return params.scale == 1.0f ? value : value * b.f32(params.scale);
                   }));
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<OpCalls> write_rows(const GatherRows&, const OpDesc& op, const Target&) {
  const Shape& shape = op.inputs[0].desc.shape;
  CallBuilder b("gather_rows_" + std::to_string(shape.back()), kGroupSize);
  const uint32_t source = b.input(0, "x");
  const uint32_t ids = b.input(1, "ids");
  const auto rows = uint32_t(shape.rows());
  TRIREME_ASSIGN(KernelCall call, gather(b, op, ids, {0, rows}, rows, [&](Term row, Term column) {
                   return b.load(source, row * uint32_t(shape.back()) + column, kernel::kF32);
                 }));
  OpCalls calls;
  calls.push_back(std::move(call));
  return calls;
}

}  // namespace trireme::compiler
