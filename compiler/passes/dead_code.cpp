#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

Status eliminate_dead_code(Graph& graph) {
  const std::vector<NodeId> order = graph.node_order();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    bool needed = false;
    for (const ValueId output : graph.node(*id).outputs) {
      needed = needed || graph.is_output(output) || !graph.consumers(output).empty();
      needed = needed || graph.value(graph.storage_root(output)).kind == graph::ValueKind::kState;
    }
    if (!needed) TRIREME_TRY(graph.erase_node(*id));
  }
  return {};
}

}  // namespace trireme::compiler
