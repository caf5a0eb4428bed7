#include "runtime/quantize/fit.h"

#include <algorithm>
#include <cmath>

namespace trireme::runtime {
namespace {

// Codes are tried for scales around the one that maps the extremes onto the outermost codes; each set of codes then
// has a best scale in closed form.
constexpr int kTrials = 21;
constexpr float kTrialStep = 0.1f;  // in codes at the extreme

float trial_offset(int trial) { return float(trial - kTrials / 2) * kTrialStep; }

// Truncation after a shift to positive numbers: halves round up.
int round_code(float value, int lowest, int highest) {
  const float shifted = std::clamp(value - float(lowest) + 0.5f, 0.0f, float(highest - lowest) + 0.5f);
  return int(shifted) + lowest;
}

// Weighted sums over values x and their codes q.
struct Sums {
  double w = 0, x = 0, q = 0, xx = 0, qq = 0, qx = 0;

  void add(double weight, double value, double code) {
    w += weight;
    x += weight * value;
    q += weight * code;
    xx += weight * value * value;
    qq += weight * code * code;
    qx += weight * code * value;
  }
};

}  // namespace

AffineFit fit_affine(std::span<const float> values, std::span<const float> weights, int highest) {
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const float low = std::min(0.0f, *smallest);
  const float range = *largest - low;
  AffineFit best{0.0f, -low};
  if (!(range > 0.0f)) return best;
  double best_error = -1;
  for (int trial = 0; trial < kTrials; ++trial) {
    const float factor = (float(highest) + trial_offset(trial)) / range;
    if (!std::isfinite(factor)) continue;
    Sums sums;
    for (size_t i = 0; i < values.size(); ++i)
      sums.add(double(weights[i]), double(values[i]), double(round_code((values[i] - low) * factor, 0, highest)));
    if (!(sums.qq > 0)) continue;
    // Codes that are all equal determine only one of the two; without a minimum there is always a best scale.
    const double determinant = sums.w * sums.qq - sums.q * sums.q;
    double scale = sums.qx / sums.qq;
    double minimum = 0;
    if (determinant > 1e-9 * sums.w * sums.qq) {
      const double free_minimum = (sums.q * sums.qx - sums.qq * sums.x) / determinant;
      if (free_minimum > 0) {
        minimum = free_minimum;
        scale = (sums.w * sums.qx - sums.x * sums.q) / determinant;
      }
    }
    const double error = sums.xx + scale * scale * sums.qq + minimum * minimum * sums.w - 2 * scale * minimum * sums.q -
                         2 * scale * sums.qx + 2 * minimum * sums.x;
    if (scale > 0 && (best_error < 0 || error < best_error)) {
      best_error = error;
      best = {float(scale), float(minimum)};
    }
  }
  return best;
}

float fit_symmetric(std::span<const float> values, std::span<const float> weights, int lowest, int highest) {
  float extreme = 0.0f;
  for (const float value : values)
    if (std::abs(value) > std::abs(extreme)) extreme = value;
  float best = 0.0f;
  double best_gain = 0;  // how much the squared error shrinks
  for (int trial = 0; trial < kTrials; ++trial) {
    const float factor = (float(lowest) + trial_offset(trial)) / extreme;
    if (!std::isfinite(factor)) continue;
    Sums sums;
    for (size_t i = 0; i < values.size(); ++i)
      sums.add(double(weights[i]), double(values[i]), double(round_code(values[i] * factor, lowest, highest)));
    if (!(sums.qq > 0)) continue;
    const double gain = sums.qx * sums.qx / sums.qq;
    if (gain > best_gain) {
      best_gain = gain;
      best = float(sums.qx / sums.qq);
    }
  }
  return best;
}

double round_to_codes(std::span<const float> values, std::span<const float> weights, float scale, float minimum,
                      int lowest, int highest, std::span<int> codes) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  const float factor = std::isfinite(inverse) ? inverse : 0.0f;
  double error = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    codes[i] = round_code((values[i] + minimum) * factor, lowest, highest);
    const double difference = double(scale) * codes[i] - double(minimum) - double(values[i]);
    error += double(weights[i]) * difference * difference;
  }
  return error;
}

}  // namespace trireme::runtime
