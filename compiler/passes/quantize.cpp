#include <map>

#include "compiler/passes/match.h"
#include "compiler/passes/passes.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

namespace {

constexpr int64_t kQ8Group = 32;

// The quantised twin of x, made once, directly before its first reader.
Result<ValueId> quantized(Graph& graph, std::map<ValueId, ValueId>& known, ValueId x, NodeId reader) {
  const auto found = known.find(x);
  if (found != known.end()) return found->second;
  graph.insert_before(reader);
  TRIREME_ASSIGN(const ValueId q, graph.add(QuantizeQ8{}, {x}, graph.node(reader).label, graph.node(reader).layer));
  graph.insert_before(std::nullopt);
  known.emplace(x, q);
  return q;
}

OpParams with_quantized_input(OpParams params) {
  std::visit(
      [](auto& op) {
        if constexpr (requires { op.act; }) op.act = ActScheme::kQ8;
      },
      params);
  return params;
}

bool multiplies(const OpParams& params) {
  return std::visit(
      [](const auto& op) {
        return requires { op.act; };
      },
      params);
}

// The attention's result where x is that with its heads side by side and nothing else reads x; else x.
ValueId joined_heads(const Graph& graph, ValueId x) {
  if (!produced_by<Reshape>(graph, x) || !has_one_use(graph, x)) return x;
  const ValueId heads = graph.node(producer_of(graph, x)).inputs[0];
  if (!produced_by<Attention>(graph, heads)) return x;
  return graph.value(heads).desc.shape[2] % kQ8Group == 0 ? heads : x;
}

}  // namespace

Status quantize_activations(Graph& graph) {
  std::map<ValueId, ValueId> known;
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    if (!multiplies(graph.node(id).params)) continue;
    const ValueId x = graph.node(id).inputs[0];
    const TensorDesc& weight = graph.value(graph.node(id).inputs[1]).desc;
    if (!is_plain_f32(graph, x) || !has_integer_codes(*weight.format) || weight.shape.back() % kQ8Group != 0) continue;
    TRIREME_ASSIGN(const ValueId q, quantized(graph, known, x, id));
    graph::Node& node = graph.mutable_node(id);
    node.inputs[0] = q;
    node.params = with_quantized_input(node.params);
  }
  return {};
}

Status fuse_quantize(Graph& graph) {
  for (const NodeId id : std::vector<NodeId>(graph.node_order())) {
    if (!std::holds_alternative<QuantizeQ8>(graph.node(id).params)) continue;
    const ValueId x = joined_heads(graph, graph.node(id).inputs[0]);
    if (graph.value(x).producer == graph::kNoNode || !has_one_use(graph, x)) continue;
    const NodeId producer_id = producer_of(graph, x);
    const graph::Node producer = graph.node(producer_id);
    OpParams params = producer.params;
    if (const auto* norm = std::get_if<RmsNorm>(&params)) {
      if (graph.value(x).desc.shape.rank() != 2) continue;
      params = FusedNorm{*norm, false, true};
    } else if (auto* fused = std::get_if<FusedNorm>(&params)) {
      if (x != producer.outputs.back()) continue;  // the sum
      fused->quantize = true;
    } else if (auto* glu = std::get_if<MatmulGlu>(&params)) {
      glu->quantize = true;
    } else if (auto* attention = std::get_if<Attention>(&params)) {
      attention->quantize = true;
    } else {
      continue;
    }
    graph.insert_before(producer_id);
    TRIREME_ASSIGN(const std::vector<ValueId> outputs,
                   graph.add_node(params, producer.inputs, producer.label, producer.layer));
    graph.insert_before(std::nullopt);
    graph.replace_all_uses(graph.node(id).outputs[0], outputs.back());
    if (producer.outputs.size() == 2) graph.replace_all_uses(producer.outputs[0], outputs[0]);
    const ValueId read = graph.node(id).inputs[0];
    TRIREME_TRY(graph.erase_node(id));
    if (read != x) TRIREME_TRY(graph.erase_node(producer_of(graph, read)));
    TRIREME_TRY(graph.erase_node(producer_id));
  }
  return {};
}

}  // namespace trireme::compiler
