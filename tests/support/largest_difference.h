// How far two results are apart, in a way that no bound lets a NaN pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace trireme::testing_support {

// The largest |a[i] - b[i]| over the elements that both have; NaN when one of them is.
inline double largest_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(double(a[i]) - double(b[i]));
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

// The largest |a[i]|; NaN when one of them is.
inline double largest_size(std::span<const float> a) {
  double largest = 0;
  for (const float value : a) {
    if (std::isnan(value)) return value;
    largest = std::max(largest, std::abs(double(value)));
  }
  return largest;
}

}  // namespace trireme::testing_support
