#include "runtime/quantize/fit.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace trireme::runtime {
namespace {

// Codes are tried for scales around the one that maps the extremes onto the outermost codes; each set of codes then
// has a best scale in closed form.
constexpr int kTrials = 21;
constexpr float kTrialStep = 0.1f;  // in codes at the extreme

float trial_offset(int trial) { return float(trial - kTrials / 2) * kTrialStep; }

// A sum in a fixed order that a compiler can turn into vector instructions: element i goes to lane i % kLanes.
constexpr size_t kLanes = 16;
struct Lanes {
  std::array<float, kLanes> lanes{};

  double total() const {
    double sum = 0;
    for (const float lane : lanes) sum += double(lane);
    return sum;
  }
};

// Truncation after a shift to positive numbers: halves round up.
float round_code(float value, float lowest, float highest) {
  float shifted = value - lowest + 0.5f;
  shifted = shifted > 0.0f ? shifted : 0.0f;
  const float most = highest - lowest + 0.5f;
  shifted = shifted < most ? shifted : most;
  return float(int(shifted)) + lowest;
}

// Weighted sums over values x and their codes q.
struct Sums {
  double w = 0, x = 0, xx = 0;   // of the values
  double q = 0, qq = 0, qx = 0;  // of the codes
};

void sum_values(std::span<const float> values, std::span<const float> weights, Sums& sums) {
  for (size_t i = 0; i < values.size(); ++i) {
    const double weighted = double(weights[i]) * double(values[i]);
    sums.w += double(weights[i]);
    sums.x += weighted;
    sums.xx += weighted * double(values[i]);
  }
}

// Of the codes nearest to (value - low) * factor.
void sum_codes(std::span<const float> values, std::span<const float> weights, float low, float factor, float lowest,
               float highest, Sums& sums) {
  Lanes q, qq, qx;
  for (size_t begin = 0; begin + kLanes <= values.size(); begin += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[begin + lane];
      const float code = round_code((value - low) * factor, lowest, highest);
      const float weighted = weights[begin + lane] * code;
      q.lanes[lane] += weighted;
      qq.lanes[lane] += weighted * code;
      qx.lanes[lane] += weighted * value;
    }
  }
  sums.q = q.total();
  sums.qq = qq.total();
  sums.qx = qx.total();
}

}  // namespace

AffineFit fit_affine(std::span<const float> values, std::span<const float> weights, int highest) {
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const float low = std::min(0.0f, *smallest);
  const float range = *largest - low;
  AffineFit best{0.0f, -low};
  if (!(range > 0.0f)) return best;
  Sums sums;
  sum_values(values, weights, sums);
  double best_error = -1;
  for (int trial = 0; trial < kTrials; ++trial) {
    const float factor = (float(highest) + trial_offset(trial)) / range;
    if (!std::isfinite(factor)) continue;
    sum_codes(values, weights, low, factor, 0.0f, float(highest), sums);
    if (!(sums.qq > 0)) continue;
    // Codes that are all equal determine only one of the two; without a minimum there is always a best scale.
    const double determinant = sums.w * sums.qq - sums.q * sums.q;
    double scale = sums.qx / sums.qq;
    double minimum = 0;
    if (determinant > 1e-6 * sums.w * sums.qq) {
      const double free_minimum = (sums.q * sums.qx - sums.qq * sums.x) / determinant;
      if (free_minimum > 0) {
        minimum = free_minimum;
        scale = (sums.w * sums.qx - sums.x * sums.q) / determinant;
      }
    }
    const double error = sums.xx + scale * scale * sums.qq + minimum * minimum * sums.w - 2 * scale * minimum * sums.q -
                         2 * scale * sums.qx + 2 * minimum * sums.x;
    if (scale > 0 && (best_error < 0 || error < best_error)) {
      best_error = std::max(error, 0.0);
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
    sum_codes(values, weights, 0.0f, factor, float(lowest), float(highest), sums);
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
                      int lowest, int highest, std::span<float> codes) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  const float factor = std::isfinite(inverse) ? inverse : 0.0f;
  Lanes error;
  Lanes rounded;  // a copy of its own, which aliases no input
  for (size_t begin = 0; begin + kLanes <= values.size(); begin += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[begin + lane];
      const float code = round_code((value + minimum) * factor, float(lowest), float(highest));
      const float difference = scale * code - minimum - value;
      rounded.lanes[lane] = code;
      error.lanes[lane] += weights[begin + lane] * difference * difference;
    }
    std::copy_n(rounded.lanes.begin(), kLanes, codes.begin() + std::ptrdiff_t(begin));
  }
  return error.total();
}

}  // namespace trireme::runtime
