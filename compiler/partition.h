// Partition: which part of a step computes each node, and on which device.
#pragma once

#include <vector>

#include "compiler/placement.h"
#include "graph/graph.h"

namespace trireme::compiler {

// Nodes that one device computes together; what they read of other nodes is in earlier parts.
struct PartNodes {
  int device = 0;  // index into Placement::devices
  int first_layer = 0;
  int last_layer = 0;
  std::vector<graph::NodeId> nodes;  // in running order; no reshapes, which are nobody's work
};

struct Partition {
  std::vector<PartNodes> parts;
  std::vector<OpCost> costs;  // by NodeId, as the node's device assesses it
};

// Asks the devices about every op, which goes to the device of its layer, or to the fallback where that device cannot
// do it. Nodes that share a state stay together. Errors: kUnsupported naming each op that none of them can do, with
// shapes, formats, device and reason.
Result<Partition> partition(const graph::Graph& graph, const Placement& placement);

}  // namespace trireme::compiler
