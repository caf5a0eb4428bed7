// GgufForm: how a model of a family is told in a GGUF file.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "hal/result.h"

namespace trireme::graph {

// What becomes of a tensor's values on their way from a Hugging Face folder to GGUF.
enum class TensorTransform : uint8_t {
  kNone,
  kInterleaveHeads,  // rows of each head from (first half, second half) to pairs side by side
  kAddOne,           // the folder holds the value minus one
};

using GgufScalar = std::variant<uint32_t, float, std::string, std::vector<bool>>;

struct GgufKey {
  std::string name;  // with the architecture's prefix
  GgufScalar value;
};

struct GgufForm {
  std::string architecture;         // general.architecture
  std::vector<GgufKey> keys;        // all that start with the architecture's name
  std::vector<float> rope_factors;  // the tensor rope_freqs.weight; empty: none
};

}  // namespace trireme::graph
