#include "tests/random/graph_reducer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "graph/verifier.h"

namespace trireme::random {

using graph::Graph;
using graph::NodeId;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

namespace {

using Outputs = std::map<std::string, ValueId>;

// Whether an output may have the value: none of a state, and not quantised.
bool can_show(const Graph& graph, ValueId id) {
  return graph.value(graph.storage_root(id)).kind == ValueKind::kComputed && graph.value(id).desc.format->plain;
}

// Copies some nodes of a graph into a new one.
class Copy {
 public:
  Copy(const GraphCase& from, const std::vector<Judged>& values) : from_(from), values_(values) {
    made_.planes = from.planes;
    made_.token_count = from.token_count;
    made_.output_count = from.output_count;
  }

  std::optional<GraphCase> run(const std::set<NodeId>& nodes, const Outputs& outputs) {
    for (const NodeId id : from_.graph.node_order())
      if (nodes.contains(id)) add(id);
    for (const auto& [name, value] : outputs) {
      const auto found = ids_.find(value);
      if (found == ids_.end() || made_.graph.value(found->second).kind != ValueKind::kComputed) return std::nullopt;
      made_.graph.set_output(name, found->second);
    }
    if (!graph::verify(made_.graph)) return std::nullopt;
    return std::move(made_);
  }

 private:
  void add(NodeId id) {
    const graph::Node& node = from_.graph.node(id);
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(value(input));
    std::vector<TensorDesc> descs;
    for (const ValueId output : node.outputs) descs.push_back(from_.graph.value(output).desc);
    const auto added = made_.graph.add_unchecked(node.params, inputs, descs, node.label, node.layer);
    for (size_t i = 0; i < added.size(); ++i) ids_[node.outputs[i]] = added[i];
  }

  ValueId value(ValueId id) {
    if (const auto found = ids_.find(id); found != ids_.end()) return found->second;
    const Value& old = from_.graph.value(id);
    const Value& root = from_.graph.value(from_.graph.storage_root(id));
    const std::string name = old.kind == ValueKind::kComputed ? "cut" + std::to_string(id) : old.name;
    if (old.kind == ValueKind::kConstant) return ids_[id] = made_.graph.add_constant(name, old.desc, old.data);
    made_.contents[name] = old.kind == ValueKind::kComputed ? values_[id].bytes : from_.contents.at(name);
    if (old.kind == ValueKind::kWeight) return ids_[id] = made_.graph.add_weight(name, old.desc);
    const bool state = old.kind == ValueKind::kState || root.kind == ValueKind::kState;
    return ids_[id] = state ? made_.graph.add_state(name, old.desc) : made_.graph.add_input(name, old.desc);
  }

  const GraphCase& from_;
  const std::vector<Judged>& values_;
  GraphCase made_;
  std::map<ValueId, ValueId> ids_;
};

}  // namespace

GraphCase reduced(const GraphCase& test, Device& reference, const std::function<bool(const GraphCase&)>& fails) {
  const auto values = evaluate(test.graph, test, reference, NumericTraits{});
  if (!values) return test;
  std::set<NodeId> nodes(test.graph.node_order().begin(), test.graph.node_order().end());
  Outputs outputs;
  for (const graph::Output& output : test.graph.outputs()) outputs[output.name] = output.value;
  GraphCase best = test;
  const auto attempt = [&](const std::set<NodeId>& some, const Outputs& shown) {
    auto smaller = Copy(test, *values).run(some, shown);
    if (!smaller || !fails(*smaller)) return false;
    best = std::move(*smaller);
    nodes = some;
    outputs = shown;
    return true;
  };
  for (const auto& [name, value] : Outputs(outputs)) {
    Outputs fewer = outputs;
    fewer.erase(name);
    if (!fewer.empty()) attempt(nodes, fewer);
  }
  // Nothing behind the first value that shows it.
  std::set<NodeId> before;
  bool shown = false;
  for (const NodeId id : test.graph.node_order()) {
    before.insert(id);
    for (const ValueId value : test.graph.node(id).outputs)
      shown = shown || (can_show(test.graph, value) && attempt(before, {{"out", value}}));
    if (shown) break;
  }
  for (bool better = true; better;) {
    better = false;
    for (const NodeId id : std::set<NodeId>(nodes)) {
      std::set<NodeId> fewer = nodes;
      fewer.erase(id);
      better = attempt(fewer, outputs) || better;
    }
  }
  return best;
}

}  // namespace trireme::random
