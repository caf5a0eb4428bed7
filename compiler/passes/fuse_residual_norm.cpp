#include "compiler/passes/match.h"
#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

Status fuse_residual_norm(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    const graph::Node norm = graph.node(id);
    const auto* params = std::get_if<RmsNorm>(&norm.params);
    if (!params || graph.value(norm.inputs[0]).desc.shape.rank() != 2) continue;
    const ValueId sum = norm.inputs[0];
    const Binary* add = produced_by<Binary>(graph, sum);
    if (!add || add->kind != Binary::Kind::kAdd) continue;
    const NodeId add_node = producer_of(graph, sum);
    const std::vector<ValueId> terms = graph.node(add_node).inputs;
    if (graph.value(terms[0]).desc != graph.value(terms[1]).desc) continue;
    if (is_constant(graph, terms[0]) || is_constant(graph, terms[1])) continue;
    // The sum's other readers may run before the norm, so the fused node takes the addition's place.
    graph.insert_before(add_node);
    TRIREME_ASSIGN(
        const std::vector<ValueId> fused,
        graph.add_node(FusedNorm{*params, true, false}, {terms[0], terms[1], norm.inputs[1]}, norm.label, norm.layer));
    graph.insert_before(std::nullopt);
    graph.replace_all_uses(sum, fused[0]);
    graph.replace_all_uses(norm.outputs[0], fused[1]);
    TRIREME_TRY(graph.erase_node(id));
    TRIREME_TRY(graph.erase_node(add_node));
  }
  return {};
}

}  // namespace trireme::compiler
