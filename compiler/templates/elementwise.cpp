// Elementwise ops, and the activations: an item an element.
#include <cmath>
#include <numbers>

#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Op;
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

}  // namespace

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
    case Activation::kGeluErf: break;
  }
  return x;
}

Result<OpCalls> write_elementwise(const OpDesc& op, const Target&) {
  if (const auto* unary = std::get_if<Unary>(&op.params); unary && unary->activation == Activation::kGeluErf)
    return fail(ErrorCode::kUnsupported, "gelu_erf", "there is no template for this activation");
  if (const auto* glu = std::get_if<Glu>(&op.params); glu && glu->activation == Activation::kGeluErf)
    return fail(ErrorCode::kUnsupported, "gelu_erf", "there is no template for this activation");
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
  TRIREME_ASSIGN(KernelCall call, b.call({ceil_div(x.shape.elements(), kGroupSize), 1, 1}));
  OpCalls calls;
  calls.push_back(std::move(call));
  return calls;
}

}  // namespace trireme::compiler
