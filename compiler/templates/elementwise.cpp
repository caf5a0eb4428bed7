// Elementwise ops: an item a few elements.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

struct Body {
  std::string name;
  int inputs = 1;
  std::function<Term(const Terms& x)> compute;
};

Result<Body> body_of(const OpParams& params) {
  if (const auto* binary = std::get_if<Binary>(&params)) {
    const Op op = binary->kind == Binary::Kind::kAdd        ? Op::kAdd
                  : binary->kind == Binary::Kind::kSubtract ? Op::kSubtract
                                                            : Op::kMultiply;
    return Body{std::string(kernel::op_name(op)), 2, [op](const Terms& x) {
                  return x[0].builder->apply(op, x[0].type(), {x[0], x[1]});
                }};
  }
  if (const auto* unary = std::get_if<Unary>(&params))
    return Body{"activate", 1, [kind = unary->activation](const Terms& x) { return activate(kind, x[0]); }};
  if (const auto* scale = std::get_if<Scale>(&params))
    return Body{"scale", 1, [factor = scale->factor](const Terms& x) { return x[0] * like(x[0], factor); }};
  if (const auto* cap = std::get_if<Softcap>(&params))
    return Body{"softcap", 1, [cap = cap->cap](const Terms& x) {
                  return like(x[0], cap) * activate(Activation::kTanh, x[0] / like(x[0], cap));
                }};
  if (const auto* glu = std::get_if<Glu>(&params))
    return Body{"glu", 2, [kind = glu->activation](const Terms& x) { return activate(kind, x[0]) * x[1]; }};
  return fail(ErrorCode::kUnsupported, "elementwise", "there is no template for this op");
}

// A number of a plain format, as f32; 16-bit ones one by one.
Term load_number(Builder& b, const Format& format, uint32_t buffer, Term index) {
  if (&format == &formats::f32()) return b.load(buffer, index, kernel::kF32);
  const Term bits = convert(b.load(buffer, index, kernel::kU16), Scalar::kU32);
  return &format == &formats::f16() ? half_to_float(bits) : bitcast(bits << 16u, Scalar::kF32);
}

// The bits of the nearest bf16, halves to even; of a NaN one that is quiet.
Term bfloat_bits(Builder& b, Term value) {
  const Term bits = bitcast(value, Scalar::kU32);
  const Term rounded = (bits + b.u32(0x7fff) + ((bits >> 16u) & 1u)) >> 16u;
  return select(value == value, rounded, (bits >> 16u) | b.u32(0x40));
}

// Elements for each of what row_count() counts.
uint32_t per_count(const TensorDesc& x) { return uint32_t(x.shape.elements() / std::max<int64_t>(x.shape[0], 1)); }

// Elements of an item.
uint32_t vector_width(const TensorDesc& x, bool repeats) {
  constexpr uint32_t kWidth = 4;
  const bool fits = per_count(x) % kWidth == 0 && (!repeats || x.shape.back() % kWidth == 0);
  return fits ? kWidth : 1;
}

}  // namespace

Result<OpCalls> write_cast(const OpDesc& op, const Target& target) {
  const TensorDesc &x = op.inputs[0].desc, &y = op.outputs[0];
  const bool small = x.format != &formats::f32() || y.format != &formats::f32();
  if (small && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "cast", "16-bit numbers need 16-bit loads and stores");
  CallBuilder b("cast_" + std::to_string(x.shape.back()), kGroupSize);
  b.comment(x.format->name + " to " + y.format->name);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const auto grid = linear_grid(ceil_div(x.shape.elements(), kGroupSize));
  const Term count = b.row_count(x) * per_count(x);
  const Term index = b.named(b.group_number(grid) * kGroupSize + b.local_id(), "index");
  b.when(index < count, [&] {
    const Term value = load_number(b, *x.format, in, index);
    if (y.format == &formats::f32()) return b.store(out, index, value);
    const Term bits = y.format == &formats::f16() ? float_to_half(value) : bfloat_bits(b, value);
    b.store(out, index, convert(bits, Scalar::kU16));
  });
  return b.calls(grid);
}

Result<OpCalls> write_elementwise(const OpDesc& op, const Target&) {
  TRIREME_ASSIGN(const Body body, body_of(op.params));
  for (const Operand& input : op.inputs)
    if (!input.constant && input.desc.format != &formats::f32())
      return fail(ErrorCode::kUnsupported, input.desc.text(), "elementwise kernels compute with F32");
  const TensorDesc& x = op.inputs[0].desc;
  const bool repeats = body.inputs == 2 && op.inputs[1].desc.shape != x.shape;
  const uint32_t lanes = vector_width(x, repeats), per_entry = per_count(x) / lanes;
  const kernel::Type type{Scalar::kF32, int(lanes)};
  const auto grid = linear_grid(ceil_div(x.shape.elements() / lanes, kGroupSize));
  CallBuilder b(body.name, kGroupSize);
  std::vector<uint32_t> buffers = {b.input(0, "a")};
  if (body.inputs == 2) buffers.push_back(op.inputs[1].constant ? b.plane(1, 0, "b") : b.input(1, "b"));
  const uint32_t out = b.output(0, "y");
  const Term count = b.row_count(x) * per_entry;
  const Term index = b.named(b.group_number(grid) * kGroupSize + b.local_id(), "index");
  b.when(index < count, [&] {
    Terms values = {b.load(buffers[0], index, type)};
    if (body.inputs == 2) {
      const Term second = repeats ? index % uint32_t(x.shape.back() / lanes) : index;
      values.push_back(b.load(buffers[1], second, type));
    }
    b.store(out, index, body.compute(values));
  });
  return b.calls(grid);
}

}  // namespace trireme::compiler
