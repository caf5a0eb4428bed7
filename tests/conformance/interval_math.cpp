#include "tests/conformance/interval_math.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace trireme::conformance {
namespace {

// An elementary function's own error, in units of the last place of its result.
constexpr double kFunction = 16 * kUnit;

double activation_value(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGeluTanh: {
      const double inner = std::sqrt(2 / std::numbers::pi) * x * (1 + 0.044715 * x * x);
      return x / (1 + std::exp(-2 * inner));
    }
    case Activation::kGeluErf: return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kReluSquared: return x > 0 ? x * x : 0;
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return x;
}

// How far the function's own evaluation may be off.
double activation_error(Activation activation, double x, double y) {
  switch (activation) {
    case Activation::kRelu: return 0;
    case Activation::kReluSquared: return kUnit * y;
    // 1 + tanh and 1 + erf cancel where x is negative.
    case Activation::kGeluTanh:
    case Activation::kGeluErf: return kFunction * (std::fabs(y) + (x < 0 ? std::fabs(x) : 0)) + kFloor;
    // x may multiply a sigmoid that was flushed.
    default: return kFunction * std::fabs(y) + kFloor * (1 + std::fabs(x));
  }
}

}  // namespace

std::vector<Approximate> approximate(const double* values, const double* errors, int64_t count) {
  std::vector<Approximate> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back({values[i], errors ? errors[i] : 0});
  return numbers;
}

double gamma(int64_t n, double epsilon) { return (8 + 3 * std::sqrt(double(n))) * epsilon; }

Approximate multiply(const Approximate& a, const Approximate& b) {
  const double product = a.value * b.value;
  const double error = std::fabs(a.value) * b.error + std::fabs(b.value) * a.error + a.error * b.error;
  return {product, error + 2 * kUnit * std::fabs(product) + (error > 0 ? kFloor : 0)};
}

Approximate add(const Approximate& a, const Approximate& b) {
  const double sum = a.value + b.value, error = a.error + b.error;
  return {sum, error > 0 ? error + 2 * kUnit * (std::fabs(sum) + error) : 0};
}

Approximate activate(Activation activation, const Approximate& x) {
  const double y = activation_value(activation, x.value);
  const double low = activation_value(activation, x.value - x.error),
               high = activation_value(activation, x.value + x.error);
  const double passed_on = std::max(std::fabs(low - y), std::fabs(high - y));
  // Two of the functions have a lowest point, which may lie between the ends.
  return {y, passed_on + x.error * x.error + activation_error(activation, x.value, y)};
}

Approximate softcap(const Approximate& x, double cap) {
  const double y = cap * std::tanh(x.value / cap);
  return {y, x.error + 2 * kFunction * std::fabs(y) + kFloor};
}

std::vector<Approximate> normalize(const RmsNorm& op, const std::vector<Approximate>& x,
                                   const std::vector<double>& weight, double epsilon) {
  const auto count = double(x.size());
  double squares = 0, least = 0, most = 0;
  for (const Approximate& value : x) {
    const double size = std::fabs(value.value), low = std::max(0.0, size - value.error), high = size + value.error;
    squares += size * size;
    least += low * low;
    most += high * high;
  }
  const auto factor_of = [&](double sum) { return 1 / std::sqrt(sum / count + double(op.epsilon)); };
  const double factor = factor_of(squares);
  const double carried = std::max(factor_of(least) - factor, factor - factor_of(most));
  const double factor_error = (gamma(int64_t(x.size()), epsilon) + kFunction) * factor + carried;
  std::vector<Approximate> y;
  for (size_t i = 0; i < x.size(); ++i) {
    const double w = double(op.weight_offset) + weight[i];
    const double w_terms = std::fabs(double(op.weight_offset)) + std::fabs(weight[i]);
    const Approximate scaled = multiply(x[i], {factor, factor_error});
    y.push_back(multiply(scaled, {w, 2 * kUnit * w_terms}));
  }
  return y;
}

std::vector<Approximate> softmax(const std::vector<Approximate>& x, double epsilon) {
  double largest = x[0].value, carried = 0;
  for (const Approximate& value : x) {
    largest = std::max(largest, value.value);
    carried = std::max(carried, value.error);
  }
  double total = 0;
  for (const Approximate& value : x) total += std::exp(value.value - largest);
  std::vector<Approximate> y;
  for (const Approximate& value : x) {
    const double distance = largest - value.value;
    const double weight = std::exp(-distance) / total;
    // The difference to the largest is rounded, and so is its product with log2(e).
    const double relative =
        std::expm1(2 * carried) + 4 * kUnit * distance + 2 * kFunction + gamma(int64_t(x.size()), epsilon);
    y.push_back({weight, weight * relative + kFloor});
  }
  return y;
}

std::vector<Approximate> rotate(const Rope& op, const std::vector<Approximate>& x, size_t pairs) {
  std::vector<Approximate> y = x;
  const double magnitude = std::fabs(double(op.magnitude));
  for (size_t i = 0; i < pairs; ++i) {
    const bool halves = op.style == RopeStyle::kHalves;
    const size_t a = halves ? i : 2 * i, b = halves ? i + pairs : 2 * i + 1;
    const double terms = std::fabs(x[a].value) + std::fabs(x[b].value);
    y[a].value = y[b].value = magnitude * std::hypot(x[a].value, x[b].value);
    y[a].error = y[b].error = magnitude * (x[a].error + x[b].error + 8 * kUnit * terms);
  }
  return y;
}

}  // namespace trireme::conformance
