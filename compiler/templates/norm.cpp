// Row reductions: RmsNorm and FusedNorm. A group a row.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Term;
using kernel::Terms;

namespace {

struct NormShape {
  RmsNorm norm;
  bool has_residual = false;
  bool quantize = false;
  int64_t rows_per_entry = 1;  // heads of an entry, which are normalised one by one
};

Result<OpCalls> write(const NormShape& shape, const OpDesc& op) {
  const TensorDesc& x = op.inputs[0].desc;
  const auto columns = uint32_t(x.shape.back());
  CallBuilder b(shape.quantize ? "norm_quantize_" + std::to_string(columns) : "norm_" + std::to_string(columns),
                kGroupSize);
  b.comment(shape.has_residual ? "x + residual, then its RMS norm, a group a row" : "RMS norm, a group a row");
  const uint32_t in = b.input(0, "x");
  const uint32_t residual = shape.has_residual ? b.input(1, "residual") : 0;
  const uint32_t weight = b.plane(shape.has_residual ? 2 : 1, 0, "weight");
  const uint32_t sum = shape.has_residual ? b.output(0, "sum", Access::kReadWrite) : 0;
  const uint32_t out = b.output(shape.has_residual ? 1 : 0, "y");
  const Term rows = b.row_count(x) * uint32_t(shape.rows_per_entry);
  const Term row = b.named(b.group_id(0), "row"), item = b.local_id();
  const Term start = row * columns;
  b.when(row < rows, [&] {
    const Terms squares =
        b.loop(item, b.u32(columns), b.u32(kGroupSize), {b.f32(0)}, [&](Term i, const Terms& carried) {
          Term value = b.load(in, start + i, kernel::kF32);
          if (shape.has_residual) {
            value = value + b.load(residual, start + i, kernel::kF32);
            b.store(sum, start + i, value);
          }
          return Terms{fused_multiply_add(value, value, carried[0])};
        });
    const Term total = group_reduce(b, Op::kAdd, squares[0], kGroupSize);
    const Term mean = total / b.f32(float(columns)) + b.f32(shape.norm.epsilon);
    const Term factor = b.named(b.f32(1) / apply_function(Op::kSquareRoot, mean), "factor");
    const auto normalized = [&](Term i) {
      const Term value = b.load(shape.has_residual ? sum : in, start + i, kernel::kF32);
      const Term scaled = b.load(weight, i, kernel::kF32) + b.f32(shape.norm.weight_offset);
      return value * factor * scaled;
    };
    if (!shape.quantize) {
      b.loop(item, b.u32(columns), b.u32(kGroupSize), [&](Term i) { b.store(out, start + i, normalized(i)); });
      return;
    }
    b.loop(item, b.u32(columns / 32), b.u32(kGroupSize), [&](Term group) {
      store_q8_group(b, out, row * uint32_t(q8_row_words(columns)), group, columns,
                     [&](Term i) { return normalized((group << 5u) + i); });
    });
  });
  return b.calls({uint32_t(x.shape.rows()), 1, 1});
}

}  // namespace

Result<OpCalls> write_norm(const OpDesc& op, const Target&) {
  const Shape& shape = op.inputs[0].desc.shape;
  if (const auto* norm = std::get_if<RmsNorm>(&op.params))
    return write({*norm, false, false, shape.rows() / shape[0]}, op);
  const auto& fused = std::get<FusedNorm>(op.params);
  return write({fused.norm, fused.has_residual, fused.quantize, 1}, op);
}

}  // namespace trireme::compiler
