// Rope parameters and the frequencies that follow from them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hal/ops.h"

namespace trireme::graph {

enum class RopeScalingKind : uint8_t { kNone, kLinear, kLlama3, kYarn };

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  int64_t original_context = 0;                 // llama3, yarn
  double low_frequency_factor = 1.0;            // llama3
  double high_frequency_factor = 4.0;           // llama3
  double beta_fast = 32.0;                      // yarn
  double beta_slow = 1.0;                       // yarn
  bool truncate = true;                         // yarn: correction range rounded outward to whole pairs
  std::optional<double> attention_factor = {};  // yarn: replaces the derived one
  std::optional<double> mscale = {};            // yarn
  std::optional<double> mscale_all_dim = {};    // yarn
  bool operator==(const RopeScaling&) const = default;
};

struct RopeParameters {
  double base = 10000.0;
  int64_t dimensions = 0;  // elements of a head that are rotated, even
  RopeScaling scaling;
  bool operator==(const RopeParameters&) const = default;
};

struct RopeTable {
  std::vector<float> frequencies;  // dimensions / 2
  float magnitude = 1.0f;
};

// Frequencies as the `transformers` library computes them (modeling_rope_utils), rounded to f32 once. `factors`, when
// not empty, divides each frequency (the `rope_freqs.weight` tensor of GGUF files).
// Errors: kCorruptData when a parameter is out of range or the number of factors is wrong.
Result<RopeTable> rope_table(const RopeParameters& rope, std::span<const float> factors = {});

}  // namespace trireme::graph
