// Elementwise ops, and the activations: an item an element.
#include <cmath>
#include <numbers>

#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;

namespace {

Term sigmoid(Builder& b, Term x) { return b.f32(1) / (b.f32(1) + apply_function(Op::kExponential, -x)); }

// Of small arguments the quotient of exponentials has lost its digits; there the series is exact enough.
Term tangent(Builder& b, Term x) {
  const Term size = absolute(x);
  const Term grown = apply_function(Op::kExponential, minimum(size, b.f32(20)) * b.f32(2));
  const Term far = b.f32(1) - b.f32(2) / (grown + b.f32(1));
  const Term square = x * x;
  const Term inner = b.f32(2.0f / 15) + square * (b.f32(-17.0f / 315) + square * b.f32(62.0f / 2835));
  const Term near = size + size * square * (b.f32(-1.0f / 3) + square * inner);
  const Term value = select(size < b.f32(0.25f), near, far);
  return select(x < b.f32(0), -value, value);
}

// erfc(x) of x >= 0 is t exp(-x^2 + p(t)) with t = 1 / (1 + x / 2), and p a polynomial of degree 9 fitted to it at
// Chebyshev's points of 0.05 <= t <= 1 (error 1.3e-7). The square is taken in two parts, or its rounding would show in
// the result.
Term complementary_error(Builder& b, Term x) {
  constexpr float kPolynomial[] = {0.1884475921f,  -0.9063932859f, 1.659038583f, -1.324811498f, 0.4050302158f,
                                   -0.2376047427f, 0.1092918855f,  0.372376812f, 1.000139609f,  -1.265515048f};
  const Term t = b.f32(1) / (b.f32(1) + x * b.f32(0.5f));
  Term p = b.f32(0);
  for (const float coefficient : kPolynomial) p = fused_multiply_add(p, t, b.f32(coefficient));
  const Term high = bitcast(bitcast(x, Scalar::kU32) & b.u32(0xfffff000), Scalar::kF32);
  const Term rest = (x - high) * (x + high);
  return t * apply_function(Op::kExponential, -(high * high)) * apply_function(Op::kExponential, p - rest);
}

struct Body {
  std::string name;
  int inputs = 1;
  std::function<Term(Builder& b, const std::vector<Term>& x)> compute;
};

Result<Body> body_of(const OpParams& params) {
  if (const auto* binary = std::get_if<Binary>(&params)) {
    const Op op = binary->kind == Binary::Kind::kAdd        ? Op::kAdd
                  : binary->kind == Binary::Kind::kSubtract ? Op::kSubtract
                                                            : Op::kMultiply;
    return Body{std::string(kernel::op_name(op)), 2, [op](Builder& b, const std::vector<Term>& x) {
                  return b.apply(op, kernel::kF32, {x[0], x[1]});
                }};
  }
  if (const auto* unary = std::get_if<Unary>(&params))
    return Body{"activate", 1,
                [kind = unary->activation](Builder& b, const std::vector<Term>& x) { return activate(b, kind, x[0]); }};
  if (const auto* scale = std::get_if<Scale>(&params))
    return Body{"scale", 1,
                [factor = scale->factor](Builder& b, const std::vector<Term>& x) { return x[0] * b.f32(factor); }};
  if (const auto* cap = std::get_if<Softcap>(&params))
    return Body{"softcap", 1, [cap = cap->cap](Builder& b, const std::vector<Term>& x) {
                  return b.f32(cap) * tangent(b, x[0] / b.f32(cap));
                }};
  if (const auto* glu = std::get_if<Glu>(&params))
    return Body{"glu", 2, [kind = glu->activation](Builder& b, const std::vector<Term>& x) {
                  return activate(b, kind, x[0]) * x[1];
                }};
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

}  // namespace

Result<OpCalls> write_cast(const OpDesc& op, const Target& target) {
  const TensorDesc &x = op.inputs[0].desc, &y = op.outputs[0];
  const bool small = x.format != &formats::f32() || y.format != &formats::f32();
  if (small && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "cast", "16-bit numbers need 16-bit loads and stores");
  CallBuilder b("cast_" + std::to_string(x.shape.back()), kGroupSize);
  b.comment(x.format->name + " to " + y.format->name);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term count = b.row_count(x) * uint32_t(x.shape.elements() / std::max<int64_t>(x.shape[0], 1));
  const Term index = b.named(b.group_id(0) * kGroupSize + b.local_id(), "index");
  b.when(index < count, [&] {
    const Term value = load_number(b, *x.format, in, index);
    if (y.format == &formats::f32()) return b.store(out, index, value);
    const Term bits = y.format == &formats::f16() ? float_to_half(value) : bfloat_bits(b, value);
    b.store(out, index, convert(bits, Scalar::kU16));
  });
  return b.calls({ceil_div(x.shape.elements(), kGroupSize), 1, 1});
}

Term activate(Builder& b, Activation activation, Term x) {
  switch (activation) {
    case Activation::kSilu: return x * sigmoid(b, x);
    case Activation::kSigmoid: return sigmoid(b, x);
    case Activation::kTanh: return tangent(b, x);
    case Activation::kRelu: return maximum(x, b.f32(0));
    case Activation::kReluSquared: {
      const Term positive = maximum(x, b.f32(0));
      return positive * positive;
    }
    case Activation::kGeluTanh: {
      // x * sigmoid(2 t) = x / 2 * (1 + tanh(t)), without its loss of digits where tanh is near -1.
      const Term cubic = x + b.f32(0.044715f) * x * x * x;
      return x * sigmoid(b, b.f32(float(2 * std::sqrt(2 / std::numbers::pi))) * cubic);
    }
    case Activation::kGeluErf: {
      const Term tail = complementary_error(b, absolute(x) * b.f32(float(1 / std::numbers::sqrt2)));
      return x * b.f32(0.5f) * select(x < b.f32(0), tail, b.f32(2) - tail);
    }
  }
  return x;
}

Result<OpCalls> write_elementwise(const OpDesc& op, const Target&) {
  TRIREME_ASSIGN(const Body body, body_of(op.params));
  const TensorDesc& x = op.inputs[0].desc;
  const auto per_entry = uint32_t(x.shape.elements() / std::max<int64_t>(x.shape[0], 1));
  CallBuilder b(body.name, kGroupSize);
  std::vector<uint32_t> buffers = {b.input(0, "a")};
  if (body.inputs == 2) buffers.push_back(op.inputs[1].constant ? b.plane(1, 0, "b") : b.input(1, "b"));
  const uint32_t out = b.output(0, "y");
  const Term count = b.row_count(x) * per_entry;
  const Term index = b.named(b.group_id(0) * kGroupSize + b.local_id(), "index");
  const bool repeats = body.inputs == 2 && op.inputs[1].desc.shape != x.shape;
  b.when(index < count, [&] {
    std::vector<Term> values = {b.load(buffers[0], index, kernel::kF32)};
    if (body.inputs == 2) {
      const Term second = repeats ? index % uint32_t(x.shape.back()) : index;
      values.push_back(b.load(buffers[1], second, kernel::kF32));
    }
    b.store(out, index, body.compute(b, values));
  });
  return b.calls({ceil_div(x.shape.elements(), kGroupSize), 1, 1});
}

}  // namespace trireme::compiler
