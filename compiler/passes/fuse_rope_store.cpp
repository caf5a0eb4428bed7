#include "compiler/passes/match.h"
#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

namespace {

// rope(x) or rope(rms_norm(x, w)): one of the two sides that rope_store takes.
struct RotatedSide {
  NodeId rope_node;
  Rope rope;
  ValueId positions;
  ValueId frequencies;
  ValueId source;  // before the norm, if there is one
  std::optional<RmsNorm> norm;
  NodeId norm_node = 0;
  ValueId norm_weight = 0;
};

std::optional<RotatedSide> match_side(const Graph& graph, ValueId rotated) {
  const Rope* rope = produced_by<Rope>(graph, rotated);
  if (!rope || !has_one_use(graph, rotated)) return std::nullopt;
  const NodeId rope_node = producer_of(graph, rotated);
  const auto& inputs = graph.node(rope_node).inputs;
  RotatedSide side{rope_node, *rope, inputs[1], inputs[2], inputs[0], std::nullopt};
  const RmsNorm* norm = produced_by<RmsNorm>(graph, side.source);
  if (norm && has_one_use(graph, side.source)) {
    side.norm = *norm;
    side.norm_node = producer_of(graph, side.source);
    side.norm_weight = graph.node(side.norm_node).inputs[1];
    side.source = graph.node(side.norm_node).inputs[0];
  }
  return side;
}

// Leaves the norm outside, where the two sides differ in it.
void drop_norm(const Graph& graph, RotatedSide& side) {
  if (!side.norm) return;
  side.source = graph.node(side.norm_node).outputs[0];
  side.norm.reset();
}

Status fuse(Graph& graph, NodeId attention_node, NodeId store_node, RotatedSide& q, RotatedSide& k) {
  if (q.norm != k.norm) {
    drop_norm(graph, q);
    drop_norm(graph, k);
  }
  const graph::Node store = graph.node(store_node);
  std::vector<ValueId> inputs = {q.source, k.source, store.inputs[1]};
  RopeStore params{q.rope, q.norm.has_value(), q.norm.value_or(RmsNorm{})};
  if (q.norm) inputs.insert(inputs.end(), {q.norm_weight, k.norm_weight});
  inputs.insert(inputs.end(), {q.positions, q.frequencies, store.inputs[2], store.inputs[3], store.inputs[4]});
  graph.insert_before(attention_node);
  TRIREME_ASSIGN(const std::vector<ValueId> fused, graph.add_node(params, inputs, store.label, store.layer));
  graph.insert_before(std::nullopt);
  graph.replace_all_uses(graph.node(q.rope_node).outputs[0], fused[0]);
  graph.replace_all_uses(store.outputs[0], fused[1]);
  graph.replace_all_uses(store.outputs[1], fused[2]);
  TRIREME_TRY(graph.erase_node(store_node));
  for (const RotatedSide* side : {&q, &k}) {
    TRIREME_TRY(graph.erase_node(side->rope_node));
    if (side->norm) TRIREME_TRY(graph.erase_node(side->norm_node));
  }
  return {};
}

}  // namespace

Status fuse_rope_store(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    const graph::Node attention = graph.node(id);
    if (!std::holds_alternative<Attention>(attention.params)) continue;
    if (!produced_by<KvStore>(graph, attention.inputs[1])) continue;
    const NodeId store_node = producer_of(graph, attention.inputs[1]);
    const graph::Node store = graph.node(store_node);
    if (store.outputs[1] != attention.inputs[2]) continue;
    // Only this attention may read the new cache: the fused node stands directly before it.
    if (graph.consumers(store.outputs[0]).size() != 1 || graph.consumers(store.outputs[1]).size() != 1) continue;
    auto q = match_side(graph, attention.inputs[0]);
    auto k = match_side(graph, store.inputs[0]);
    if (!q || !k || q->rope != k->rope || q->positions != k->positions || q->frequencies != k->frequencies) continue;
    TRIREME_TRY(fuse(graph, id, store_node, *q, *k));
  }
  return {};
}

}  // namespace trireme::compiler
