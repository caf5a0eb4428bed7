// Least-squares fits of one group of values, a multiple of 16, to evenly spaced codes.
#pragma once

#include <cstdint>
#include <span>

namespace trireme::runtime {

// scale * code - minimum with code in [0, highest], minimum >= 0.
struct AffineFit {
  float scale = 0.0f;
  float minimum = 0.0f;
};
AffineFit fit_affine(std::span<const float> values, std::span<const float> weights, int highest);

// The scale, of either sign, of scale * code with code in [lowest, highest], lowest < 0 < highest.
float fit_symmetric(std::span<const float> values, std::span<const float> weights, int lowest, int highest);

// The nearest codes for scale * code - minimum, and the weighted squared error that they leave. A scale of 0 gives the
// code nearest to 0.
double round_to_codes(std::span<const float> values, std::span<const float> weights, float scale, float minimum,
                      int lowest, int highest, std::span<float> codes);

}  // namespace trireme::runtime
