#include <cmath>
#include <numbers>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {

float activate(Activation activation, float x_f32) {
  const double x = x_f32;
  switch (activation) {
    case Activation::kSilu: return float(x / (1.0 + std::exp(-x)));
    case Activation::kGeluTanh:
      return float(0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x))));
    case Activation::kGeluErf: return float(0.5 * x * std::erfc(-x / std::numbers::sqrt2));
    case Activation::kRelu: return x > 0 ? x_f32 : 0.0f;
    case Activation::kReluSquared: return x > 0 ? float(x * x) : 0.0f;
    case Activation::kSigmoid: return float(1.0 / (1.0 + std::exp(-x)));
    case Activation::kTanh: return float(std::tanh(x));
  }
  return x_f32;
}

}  // namespace trireme::reference
