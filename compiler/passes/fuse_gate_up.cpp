#include "compiler/passes/match.h"
#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

Status fuse_gate_up(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    const graph::Node glu = graph.node(id);
    const auto* params = std::get_if<Glu>(&glu.params);
    if (!params || glu.inputs[0] == glu.inputs[1]) continue;
    const Matmul* gate = produced_by<Matmul>(graph, glu.inputs[0]);
    const Matmul* up = produced_by<Matmul>(graph, glu.inputs[1]);
    if (!gate || !up || *gate != *up || gate->has_bias || gate->has_residual) continue;
    if (!has_one_use(graph, glu.inputs[0]) || !has_one_use(graph, glu.inputs[1])) continue;
    const NodeId gate_node = producer_of(graph, glu.inputs[0]);
    const NodeId up_node = producer_of(graph, glu.inputs[1]);
    const ValueId x = graph.node(gate_node).inputs[0];
    const ValueId gate_weight = graph.node(gate_node).inputs[1];
    const ValueId up_weight = graph.node(up_node).inputs[1];
    if (graph.node(up_node).inputs[0] != x || graph.value(gate_weight).desc != graph.value(up_weight).desc) continue;
    graph.insert_before(id);
    TRIREME_ASSIGN(const ValueId fused, graph.add(MatmulGlu{gate->act, params->activation, false},
                                                  {x, gate_weight, up_weight}, glu.label, glu.layer));
    graph.insert_before(std::nullopt);
    graph.replace_all_uses(glu.outputs[0], fused);
    for (const NodeId erased : {id, gate_node, up_node}) TRIREME_TRY(graph.erase_node(erased));
  }
  return {};
}

}  // namespace trireme::compiler
