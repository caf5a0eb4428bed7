// compile(): from a model's graph to parts that devices can prepare.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "compiler/memory_plan.h"
#include "compiler/placement.h"
#include "compiler/schedule.h"
#include "compiler/step_layout.h"
#include "graph/graph.h"

namespace trireme::compiler {

struct CompileOptions {
  bool fuse = true;                  // off: one op per node of the model's graph, to check the rewrites against
  bool quantize_activations = true;  // off: matmuls see float activations whatever their weights are
};

// A value that one part computes and another reads.
struct Transfer {
  graph::ValueId value = 0;
  int from_part = 0;
};

// Ops of neighbouring layers on one device. A layer lies in one part, unless some of its ops need the fallback.
struct Part {
  int device = 0;  // index into Placement::devices
  int first_layer = 0;
  int last_layer = 0;
  Schedule levels;
  std::vector<Transfer> incoming;
  // By ValueId and by NodeId: offsets in the part's arena; kNoOffset where nothing of this part lives there.
  std::vector<uint64_t> value_offsets;
  std::vector<uint64_t> workspace_offsets;
  uint64_t arena_bytes = 0;
  OpCost cost;  // the sum over the part's ops
};
constexpr uint64_t kNoOffset = ~uint64_t{0};

struct CompiledGraph {
  graph::Graph graph;
  StepLayout step;
  std::vector<Part> parts;
};

// Rewrites the graph, asks each device whether it can do each op, splits the graph at the placement's ranges and where
// ops need the fallback, and gives every buffer an offset. Nothing is loaded and nothing allocated on a device.
// Errors: kUnsupported naming each op that can't be done, shapes, formats, device and reason; kInvalidArgument for a
// bad placement.
Result<CompiledGraph> compile(graph::Graph graph, const Placement& placement, const CompileOptions& options = {});

// The rewrites alone. `after` sees the graph behind each pass.
using PassObserver = std::function<void(std::string_view pass, const graph::Graph& graph)>;
Status optimize(graph::Graph& graph, const CompileOptions& options = {}, const PassObserver& after = {});

}  // namespace trireme::compiler
