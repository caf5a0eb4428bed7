// Schedule: which ops of a part may run at once, and in what order the rest runs.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace trireme::compiler {

// Ops of one level do not depend on each other; each level depends on earlier ones only. Reshapes appear in no level:
// they are other views of their input's storage.
using Schedule = std::vector<std::vector<graph::NodeId>>;

// As soon as possible: a node's level is one more than the largest level among its inputs' producers in `nodes`
// (a list in running order).
Schedule schedule(const graph::Graph& graph, const std::vector<graph::NodeId>& nodes);

}  // namespace trireme::compiler
