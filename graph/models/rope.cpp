#include "graph/models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace trireme::graph {
namespace {

constexpr int64_t kMaxDimensions = 1 << 16;
constexpr double kMaxFrequency = 1e30;  // an f32, and its angles too

tl::unexpected<Error> bad_rope(std::string why) {
  return fail(ErrorCode::kCorruptData, "rope parameters", std::move(why));
}

// Grows with the context's stretch: 1 for none. Source: arXiv 2309.00071, section 3.4.
double yarn_magnitude(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

// The pair that turns `rotations` times within the original context, as a fraction of pairs.
double correction_pair(double rotations, const RopeParameters& rope) {
  const double context = double(rope.scaling.original_context);
  return double(rope.dimensions) * std::log(context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(rope.base));
}

void scale_yarn(const RopeParameters& rope, std::vector<double>& frequencies) {
  const RopeScaling& scaling = rope.scaling;
  double low = correction_pair(scaling.beta_fast, rope);
  double high = correction_pair(scaling.beta_slow, rope);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, double(rope.dimensions - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double interpolated = std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= interpolated / scaling.factor + (1 - interpolated);
  }
}

// Long waves are stretched by the factor, short ones kept, those between blended. Source: Llama 3.1's published code.
void scale_llama3(const RopeScaling& scaling, std::vector<double>& frequencies) {
  const double context = double(scaling.original_context);
  const double longest = context / scaling.low_frequency_factor;
  const double shortest = context / scaling.high_frequency_factor;
  for (double& frequency : frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < shortest) continue;
    const double smooth = wavelength > longest ? 0.0
                                               : (context / wavelength - scaling.low_frequency_factor) /
                                                     (scaling.high_frequency_factor - scaling.low_frequency_factor);
    frequency *= (1 - smooth) / scaling.factor + smooth;
  }
}

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

Status check(const RopeParameters& rope) {
  const RopeScaling& scaling = rope.scaling;
  if (rope.dimensions < 2 || rope.dimensions % 2 != 0 || rope.dimensions > kMaxDimensions)
    return bad_rope("the rotated width " + std::to_string(rope.dimensions) + " is not a positive even number");
  if (!std::isfinite(rope.base) || rope.base <= 1)
    return bad_rope("the base " + std::to_string(rope.base) + " is not above 1");
  if (scaling.kind == RopeScalingKind::kNone) return {};
  if (!is_positive(scaling.factor)) return bad_rope("the scaling factor is not positive");
  if (scaling.kind == RopeScalingKind::kLinear) return {};
  if (scaling.original_context < 1) return bad_rope("the original context length is not positive");
  if (scaling.kind == RopeScalingKind::kLlama3) {
    if (!is_positive(scaling.low_frequency_factor) || !std::isfinite(scaling.high_frequency_factor) ||
        scaling.high_frequency_factor <= scaling.low_frequency_factor)
      return bad_rope("the frequency factors are not positive and rising");
    return {};
  }
  if (!is_positive(scaling.beta_fast) || !is_positive(scaling.beta_slow))
    return bad_rope("yarn's betas are not positive");
  if (scaling.attention_factor && !is_positive(*scaling.attention_factor))
    return bad_rope("the attention factor is not positive");
  return {};
}

double magnitude(const RopeScaling& scaling) {
  if (scaling.kind != RopeScalingKind::kYarn) return 1.0;
  if (scaling.attention_factor) return *scaling.attention_factor;
  const double mscale = scaling.mscale.value_or(0);
  const double all = scaling.mscale_all_dim.value_or(0);
  if (mscale != 0 && all != 0) return yarn_magnitude(scaling.factor, mscale) / yarn_magnitude(scaling.factor, all);
  return yarn_magnitude(scaling.factor, 1.0);
}

}  // namespace

Result<RopeTable> rope_table(const RopeParameters& rope, std::span<const float> factors) {
  TRIREME_TRY(check(rope));
  std::vector<double> frequencies(size_t(rope.dimensions / 2));
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = std::pow(rope.base, -2.0 * double(i) / double(rope.dimensions));
  switch (rope.scaling.kind) {
    case RopeScalingKind::kNone: break;
    case RopeScalingKind::kLinear:
      for (double& frequency : frequencies) frequency /= rope.scaling.factor;
      break;
    case RopeScalingKind::kLlama3: scale_llama3(rope.scaling, frequencies); break;
    case RopeScalingKind::kYarn: scale_yarn(rope, frequencies); break;
  }
  if (!factors.empty() && factors.size() != frequencies.size())
    return bad_rope("there are " + std::to_string(factors.size()) + " frequency factors for " +
                    std::to_string(frequencies.size()) + " frequencies");
  RopeTable table{.frequencies = {}, .magnitude = float(magnitude(rope.scaling))};
  for (size_t i = 0; i < frequencies.size(); ++i) {
    if (!factors.empty() && !is_positive(factors[i])) return bad_rope("a frequency factor is not positive");
    const double frequency = factors.empty() ? frequencies[i] : frequencies[i] / double(factors[i]);
    if (!(frequency <= kMaxFrequency)) return bad_rope("a frequency is too large");
    table.frequencies.push_back(float(frequency));
  }
  if (!is_positive(table.magnitude)) return bad_rope("the magnitude is not positive");
  return table;
}

}  // namespace trireme::graph
