// Random numbers that are the same on every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace trireme::conformance {

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators), seeded by a text.
class Random {
 public:
  explicit Random(std::string_view seed) {
    for (const char c : seed) state_ = (state_ ^ uint64_t(static_cast<unsigned char>(c))) * 0x100000001b3u;
  }

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [low, high).
  double uniform(double low, double high) { return low + (high - low) * (double(bits() >> 11) * 0x1p-53); }
  // In [low, high].
  int64_t integer(int64_t low, int64_t high) { return low + int64_t(bits() % uint64_t(high - low + 1)); }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;
};

}  // namespace trireme::conformance
