#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::kNoNode;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

namespace {

Status drop_reshapes(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    if (!std::holds_alternative<Reshape>(graph.node(id).params)) continue;
    ValueId source = graph.node(id).inputs[0];
    const ValueId result = graph.node(id).outputs[0];
    const int64_t producer = graph.value(source).producer;
    if (producer != kNoNode && std::holds_alternative<Reshape>(graph.node(NodeId(producer)).params)) {
      source = graph.node(NodeId(producer)).inputs[0];
      graph.mutable_node(id).inputs[0] = source;
    }
    if (graph.value(source).desc != graph.value(result).desc) continue;
    graph.replace_all_uses(result, source);
    TRIREME_TRY(graph.erase_node(id));
  }
  return {};
}

Status fold_embedding_scale(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    const auto* scale = std::get_if<Scale>(&graph.node(id).params);
    if (!scale) continue;
    const ValueId rows = graph.node(id).inputs[0];
    const int64_t producer = graph.value(rows).producer;
    if (producer == kNoNode || graph.consumers(rows).size() != 1 || graph.is_output(rows)) continue;
    auto* embed = std::get_if<EmbedRows>(&graph.mutable_node(NodeId(producer)).params);
    if (!embed || embed->scale != 1.0f) continue;
    embed->scale = scale->factor;
    graph.replace_all_uses(graph.node(id).outputs[0], rows);
    TRIREME_TRY(graph.erase_node(id));
  }
  return {};
}

}  // namespace

Status canonicalize(Graph& graph) {
  TRIREME_TRY(drop_reshapes(graph));
  TRIREME_TRY(fold_embedding_scale(graph));
  return eliminate_dead_code(graph);
}

}  // namespace trireme::compiler
