// Conversion: what goes into a GGUF file, before formats are chosen.
#pragma once

#include <string>
#include <vector>

#include "graph/models/gguf_form.h"
#include "hal/prepared.h"
#include "runtime/files/gguf_metadata.h"

namespace trireme::runtime {

struct ConvertedTensor {
  std::string name;   // canonical
  HostTensor source;  // its data outlives the conversion
  graph::TensorTransform transform = graph::TensorTransform::kNone;
  int64_t head_dim = 0;  // of kInterleaveHeads
};

struct Conversion {
  GgufMetadata metadata;
  std::vector<ConvertedTensor> tensors;
  std::vector<float> rope_factors;  // data of rope_freqs.weight, where one is made
  std::vector<std::string> notes;   // what the file cannot say, for the user
};

}  // namespace trireme::runtime
