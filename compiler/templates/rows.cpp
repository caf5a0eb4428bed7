// EmbedRows and GatherRows: a group copies a row.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Term;

namespace {

// `source` gives an element of a row. Ids that name no row give zeros.
Result<OpCalls> gather(CallBuilder& b, const OpDesc& op, uint32_t ids, Term limit,
                       const std::function<Term(Term row, Term column)>& source) {
  const TensorDesc& y = op.outputs[0];
  const auto columns = uint32_t(y.shape.back());
  const uint32_t out = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[1].desc);
  const Term row = b.named(b.group_id(1), "row");
  const Term column = b.named(b.group_id(0) * kGroupSize + b.local_id(), "column");
  b.when((row < rows) & (column < columns), [&] {
    const Term id = b.named(b.load(ids, row, kernel::kU32), "id");
    const kernel::Terms value = b.branch(
        id < limit, [&] { return kernel::Terms{source(id, column)}; }, [&] { return kernel::Terms{b.f32(0)}; });
    b.store(out, row * columns + column, value[0]);
  });
  return b.calls({ceil_div(columns, kGroupSize), uint32_t(y.shape.rows()), 1});
}

}  // namespace

Result<OpCalls> write_rows(const EmbedRows& params, const OpDesc& op, const Target&) {
  const TensorDesc& table = op.inputs[0].desc;
  CallBuilder b("embed_" + std::to_string(table.shape.back()), kGroupSize);
  b.comment("rows of a table in " + table.format->name);
  const WeightLayout layout = weight_layout(table);
  std::vector<uint32_t> planes;
  for (int i = 0; i < layout.planes(); ++i) planes.push_back(b.plane(0, i, "table" + std::to_string(i)));
  const WeightReader reader(b, layout, std::move(planes), table.shape.back());
  const uint32_t ids = b.input(1, "ids");
  return gather(b, op, ids, b.u32(uint32_t(table.shape.rows())), [&](Term row, Term column) {
    const Term value = reader.element(row, column);
    return params.scale == 1.0f ? value : value * b.f32(params.scale);
  });
}

Result<OpCalls> write_rows(const GatherRows&, const OpDesc& op, const Target&) {
  const Shape& shape = op.inputs[0].desc.shape;
  CallBuilder b("gather_rows_" + std::to_string(shape.back()), kGroupSize);
  const uint32_t source = b.input(0, "x");
  const uint32_t ids = b.input(1, "ids");
  return gather(b, op, ids, b.u32(uint32_t(shape.rows())), [&](Term row, Term column) {
    return b.load(source, row * uint32_t(shape.back()) + column, kernel::kF32);
  });
}

}  // namespace trireme::compiler
