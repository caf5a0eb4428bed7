// EmbedRows and GatherRows: a group copies a part of a row, on CPUs an item all of it.
#include "compiler/templates/templates.h"
#include "compiler/templates/weight_reader.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;

namespace {

// Drivers of CPUs compile a kernel of one item in less time than one of a group.
uint32_t group_size(const Target& target) { return target.vector_lanes > 1 ? 1 : kGroupSize; }

using Source = std::function<Term(Term row, Term column)>;

// The rows that ids name: how many there are is no part of the kernel, so that sources of all lengths have one.
struct SourceRows {
  RowPart part;  // that the kernel has
  Term count;    // of all
  bool whole;    // whether the part is all
};

// Stores the element of the row that `id` names. `source` gives an element of a row of the part, of which the first has
// the ids that name no row too: they give zeros.
void store_element(CallBuilder& b, uint32_t out, Term id, Term index, Term column, const SourceRows& rows,
                   const Source& source) {
  const RowPart& part = rows.part;
  if (part.first > 0) {
    const Term inside = id - part.first;
    b.when(inside < part.count, [&] { b.store(out, index, source(inside, column)); });
    return;
  }
  const auto store = [&] {
    const kernel::Terms value = b.branch(
        id < rows.count, [&] { return kernel::Terms{source(id, column)}; }, [&] { return kernel::Terms{b.f32(0)}; });
    b.store(out, index, value[0]);
  };
  if (rows.whole) return store();
  b.when((id < part.count) | (rows.count <= id), store);
}

Result<KernelCall> gather(CallBuilder& b, const OpDesc& op, const Target& target, uint32_t ids, const RowPart& part,
                          uint32_t all_rows, const Source& source) {
  const TensorDesc& y = op.outputs[0];
  const auto columns = uint32_t(y.shape.back());
  const uint32_t out = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[1].desc);
  const SourceRows named_rows{part, b.call_constant("source_rows", all_rows), part.count == all_rows};
  const Term row = b.named(b.group_id(1), "row");
  const auto id = [&] { return b.named(b.load(ids, row, kernel::kU32), "id"); };
  const auto store = [&](Term named, Term column) {
    store_element(b, out, named, row * columns + column, column, named_rows, source);
  };
  if (group_size(target) == 1) {
    b.when(row < rows, [&] {
      const Term named = id();
      b.loop(b.u32(0), b.u32(columns), b.u32(1), [&](Term column) { store(named, column); });
    });
    return b.call({1, uint32_t(y.shape.rows()), 1});
  }
  const Term column = b.named(b.group_id(0) * kGroupSize + b.local_id(), "column");
  b.when((row < rows) & (column < columns), [&] { store(id(), column); });
  return b.call({ceil_div(columns, kGroupSize), uint32_t(y.shape.rows()), 1});
}

}  // namespace

Result<OpCalls> write_rows(const EmbedRows& params, const OpDesc& op, const Target& target) {
  const TensorDesc& table = op.inputs[0].desc;
  TRIREME_ASSIGN(const std::vector<RowPart> parts, row_parts(table, target));
  OpCalls calls;
  for (const RowPart& part : parts) {
    CallBuilder b("embed_" + std::to_string(table.shape.back()), group_size(target));
    b.comment("rows of a table in " + table.format->name);
    const WeightLayout layout = weight_layout(table, target);
    const WeightReader reader(b, layout, bind_planes(b, table, layout, 0, "table", part), table.shape.back());
    const uint32_t ids = b.input(1, "ids");
    TRIREME_ASSIGN(KernelCall call,
                   gather(b, op, target, ids, part, uint32_t(table.shape.rows()), [&](Term row, Term column) {
                     const Term value = reader.element(row, column);
                     return params.scale == 1.0f ? value : value * b.f32(params.scale);
                   }));
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<OpCalls> write_rows(const GatherRows&, const OpDesc& op, const Target& target) {
  const Shape& shape = op.inputs[0].desc.shape;
  CallBuilder b("gather_rows_" + std::to_string(shape.back()), group_size(target));
  const uint32_t source = b.input(0, "x");
  const uint32_t ids = b.input(1, "ids");
  const auto rows = uint32_t(shape.rows());
  TRIREME_ASSIGN(KernelCall call, gather(b, op, target, ids, {0, rows}, rows, [&](Term row, Term column) {
                   return b.load(source, row * uint32_t(shape.back()) + column, kernel::kF32);
                 }));
  OpCalls calls;
  calls.push_back(std::move(call));
  return calls;
}

}  // namespace trireme::compiler
