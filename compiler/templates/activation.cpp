// The activations, of one lane or several.
#include <cmath>
#include <numbers>

#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::like;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;

namespace {

Term sigmoid(Term x) { return like(x, 1) / (like(x, 1) + apply_function(Op::kExponential, -x)); }

// Of small arguments the quotient of exponentials has lost its digits; there the series is exact enough.
Term tangent(Term x) {
  const Term size = absolute(x);
  const Term grown = apply_function(Op::kExponential, minimum(size, like(x, 20)) * like(x, 2));
  const Term far = like(x, 1) - like(x, 2) / (grown + like(x, 1));
  const Term square = x * x;
  const Term inner = like(x, 2.0f / 15) + square * (like(x, -17.0f / 315) + square * like(x, 62.0f / 2835));
  const Term near = size + size * square * (like(x, -1.0f / 3) + square * inner);
  const Term value = select(size < like(x, 0.25f), near, far);
  return select(x < like(x, 0), -value, value);
}

// erfc(x) of x >= 0 is t exp(-x^2 + p(t)) with t = 1 / (1 + x / 2), and p a polynomial of degree 9 fitted to it at
// Chebyshev's points of 0.05 <= t <= 1 (error 1.3e-7). The square is taken in two parts, or its rounding would show in
// the result.
Term complementary_error(Term x) {
  constexpr float kPolynomial[] = {0.1884475921f,  -0.9063932859f, 1.659038583f, -1.324811498f, 0.4050302158f,
                                   -0.2376047427f, 0.1092918855f,  0.372376812f, 1.000139609f,  -1.265515048f};
  const Term t = like(x, 1) / (like(x, 1) + x * like(x, 0.5f));
  Term p = like(x, 0);
  for (const float coefficient : kPolynomial) p = fused_multiply_add(p, t, like(x, coefficient));
  const Term high = bitcast(bitcast(x, Scalar::kU32) & 0xfffff000u, Scalar::kF32);
  const Term rest = (x - high) * (x + high);
  return t * apply_function(Op::kExponential, -(high * high)) * apply_function(Op::kExponential, p - rest);
}

}  // namespace

Term activate(Activation activation, Term x) {
  switch (activation) {
    case Activation::kSilu: return x * sigmoid(x);
    case Activation::kSigmoid: return sigmoid(x);
    case Activation::kTanh: return tangent(x);
    case Activation::kRelu: return maximum(x, like(x, 0));
    case Activation::kReluSquared: {
      const Term positive = maximum(x, like(x, 0));
      return positive * positive;
    }
    case Activation::kGeluTanh: {
      // x * sigmoid(2 t) = x / 2 * (1 + tanh(t)), without its loss of digits where tanh is near -1.
      const Term cubic = x + like(x, 0.044715f) * x * x * x;
      return x * sigmoid(like(x, float(2 * std::sqrt(2 / std::numbers::pi))) * cubic);
    }
    case Activation::kGeluErf: {
      const Term tail = complementary_error(absolute(x) * like(x, float(1 / std::numbers::sqrt2)));
      return x * like(x, 0.5f) * select(x < like(x, 0), tail, like(x, 2) - tail);
    }
  }
  return x;
}

}  // namespace trireme::compiler
