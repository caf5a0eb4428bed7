#include "compiler/passes/match.h"
#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

namespace {

// Tries to absorb the addition `id` into the matmul that produces its input `side`.
Result<bool> absorb(Graph& graph, NodeId id, int side) {
  const graph::Node add = graph.node(id);
  const ValueId product = add.inputs[size_t(side)];
  const ValueId other = add.inputs[size_t(1 - side)];
  const Matmul* matmul = produced_by<Matmul>(graph, product);
  if (!matmul || !has_one_use(graph, product) || product == other) return false;
  const TensorDesc& product_desc = graph.value(product).desc;
  const TensorDesc& other_desc = graph.value(other).desc;
  if (other_desc.format != &formats::f32()) return false;
  const bool constant = is_constant(graph, other);
  const bool is_bias = other_desc.shape.rank() == 1 && side == 0 && constant;
  const bool is_residual = other_desc.shape == product_desc.shape && other_desc.rows == product_desc.rows && !constant;
  Matmul fused = *matmul;
  const NodeId matmul_node = producer_of(graph, product);
  std::vector<ValueId> inputs = graph.node(matmul_node).inputs;
  if (is_bias && !fused.has_bias && !fused.has_residual) {
    fused.has_bias = true;
  } else if (is_residual && !fused.has_residual) {
    fused.has_residual = true;
  } else {
    return false;
  }
  inputs.push_back(other);
  const std::string label = graph.node(matmul_node).label;
  graph.insert_before(id);
  TRIREME_ASSIGN(const ValueId result, graph.add(fused, inputs, label, add.layer));
  graph.insert_before(std::nullopt);
  graph.replace_all_uses(add.outputs[0], result);
  TRIREME_TRY(graph.erase_node(id));
  TRIREME_TRY(graph.erase_node(matmul_node));
  return true;
}

}  // namespace

Status fuse_matmul_epilogue(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    const auto* binary = std::get_if<Binary>(&graph.node(id).params);
    if (!binary || binary->kind != Binary::Kind::kAdd) continue;
    TRIREME_ASSIGN(const bool first, absorb(graph, id, 0));
    if (!first) TRIREME_TRY(absorb(graph, id, 1));
  }
  return {};
}

}  // namespace trireme::compiler
