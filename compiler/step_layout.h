// StepLayout: where a step's inputs lie in the one buffer that is written before each submit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace trireme::compiler {

struct StepInput {
  std::string name;  // the graph input's name
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct StepLayout {
  uint64_t token_count_offset = 0;   // one I32: rows of the step
  uint64_t output_count_offset = 0;  // one I32: rows that ask for logits
  std::vector<StepInput> inputs;
  uint64_t bytes = 0;

  const StepInput* find(std::string_view name) const;
};

// Counts first, then the graph's inputs in their order.
StepLayout step_layout(const graph::Graph& graph);

}  // namespace trireme::compiler
