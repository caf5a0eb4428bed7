#include "graph/verifier.h"

#include <numeric>
#include <set>
#include <unordered_map>

#include "graph/names.h"
#include "graph/shape_inference.h"
#include "hal/operands.h"

namespace trireme::graph {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), defined_(graph.value_count(), false), root_(graph.value_count()), version_(graph.value_count()) {
    std::iota(root_.begin(), root_.end(), 0);
    std::iota(version_.begin(), version_.end(), 0);
  }

  Status run() {
    TRIREME_TRY(check_named_values());
    TRIREME_TRY(check_order());
    int layer = -1;
    for (const NodeId id : graph_.node_order()) {
      TRIREME_TRY(check_node(id));
      if (graph_.node(id).layer < layer) return broken(id, "its layer is smaller than that of the node before");
      layer = graph_.node(id).layer;
    }
    TRIREME_TRY(check_producers());
    return check_outputs();
  }

 private:
  std::string node_name(NodeId id) const {
    const Node& node = graph_.node(id);
    return "graph node " + std::to_string(id) + " (" + std::string(op_name(node.params)) +
           (node.label.empty() ? "" : " " + quoted(node.label)) + ")";
  }
  tl::unexpected<Error> broken(NodeId id, std::string why) const {
    return fail(ErrorCode::kInternal, node_name(id), std::move(why));
  }
  static tl::unexpected<Error> broken_value(const Value& value, std::string why) {
    return fail(ErrorCode::kInternal, "graph value " + quoted(value.name), std::move(why));
  }

  Status check_named_values() {
    std::set<std::string_view> names;
    for (ValueId id = 0; id < graph_.value_count(); ++id) {
      const Value& value = graph_.value(id);
      if (value.erased || value.kind == ValueKind::kComputed) continue;
      if (value.name.empty()) return broken_value(value, "it has no name");
      if (!names.insert(value.name).second) return broken_value(value, "another value has the same name");
      if (value.producer != kNoNode) return broken_value(value, "it is not computed but has a producer");
      TRIREME_TRY(check_named_desc(value));
      defined_[id] = true;
    }
    return {};
  }

  static Status check_named_desc(const Value& value) {
    const TensorDesc& desc = value.desc;
    if (!desc.format) return broken_value(value, "it has no format");
    for (int axis = 0; axis < desc.shape.rank(); ++axis)
      if (desc.shape[axis] <= 0) return broken_value(value, "it has an empty dimension");
    if (value.kind != ValueKind::kInput && desc.rows != RowDomain::kFixed)
      return broken_value(value, "only inputs and computed values may have a row domain");
    const size_t expected = value.kind == ValueKind::kConstant ? size_t(desc.shape.elements()) : 0;
    if (value.kind == ValueKind::kConstant && desc.format != &formats::f32())
      return broken_value(value, "a constant must be F32");
    if (value.data.size() != expected) return broken_value(value, "it has the wrong number of elements");
    return {};
  }

  Status check_order() const {
    std::vector<bool> seen(graph_.node_count(), false);
    for (const NodeId id : graph_.node_order()) {
      if (id >= graph_.node_count()) return fail(ErrorCode::kInternal, "graph", "the node order names an unknown node");
      if (seen[id]) return broken(id, "it runs twice");
      if (graph_.node(id).erased) return broken(id, "it is erased but still runs");
      seen[id] = true;
    }
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (!seen[id] && !graph_.node(id).erased) return broken(id, "it never runs");
    return {};
  }

  Status check_node(NodeId id) {
    const Node& node = graph_.node(id);
    std::vector<TensorDesc> inputs;
    std::vector<TensorDesc> outputs;
    for (const ValueId input : node.inputs) {
      if (input >= graph_.value_count()) return broken(id, "an input does not exist");
      if (!defined_[input]) return broken(id, "input " + std::to_string(inputs.size()) + " is not defined before it");
      inputs.push_back(graph_.value(input).desc);
    }
    for (const ValueId output : node.outputs) {
      if (output >= graph_.value_count() || graph_.value(output).erased) return broken(id, "an output does not exist");
      const Value& value = graph_.value(output);
      if (value.kind != ValueKind::kComputed || value.producer != int64_t(id) ||
          value.output_index != int(outputs.size()))
        return broken(id, "output " + std::to_string(outputs.size()) + " does not name it as its producer");
      if (defined_[output]) return broken(id, "output " + std::to_string(outputs.size()) + " is defined twice");
      defined_[output] = true;
      outputs.push_back(value.desc);
    }
    auto inferred = infer_outputs(node.params, inputs, outputs);
    if (!inferred) return broken(id, inferred.error().message());
    if (*inferred != outputs) return broken(id, "its outputs are not what its inputs give");
    TRIREME_TRY(check_operand_kinds(id));
    trace_storage(node);
    return check_versions(id);
  }

  Status check_operand_kinds(NodeId id) const {
    const Node& node = graph_.node(id);
    for (int i = 0; i < int(node.inputs.size()); ++i) {
      const ValueKind kind = graph_.value(node.inputs[size_t(i)]).kind;
      const bool constant = kind == ValueKind::kWeight || kind == ValueKind::kConstant;
      const bool either = std::holds_alternative<Binary>(node.params) && i == 1;
      if (!either && constant != weight_use(node.params, i).has_value())
        return broken(id, "input " + std::to_string(i) +
                              (constant ? " is a weight where the op reads a computed value"
                                        : " must be a weight or a constant"));
    }
    return {};
  }

  bool is_current(ValueId id) const {
    const auto newest = newest_.find(root_[id]);
    return newest == newest_.end() || newest->second == version_[id];
  }

  void trace_storage(const Node& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int input = aliased_input(node.params, int(i));
      if (input < 0) continue;
      root_[node.outputs[i]] = root_[node.inputs[size_t(input)]];
      if (!overwrites_state(node.params)) version_[node.outputs[i]] = version_[node.inputs[size_t(input)]];
    }
  }

  // Runs after the inputs and outputs of the node are known to be sound.
  Status check_versions(NodeId id) {
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (!is_current(node.inputs[i]))
        return broken(id, "input " + std::to_string(i) + " is an old version of a state that was overwritten");
    if (!overwrites_state(node.params)) return {};
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int input = aliased_input(node.params, int(i));
      if (input < 0) continue;
      const ValueId root = root_[node.inputs[size_t(input)]];
      if (graph_.value(root).kind != ValueKind::kState)
        return broken(id, "it overwrites something that is not a state");
      if (!overwritten_by_.emplace(id, root).second) return broken(id, "it overwrites one state twice");
      newest_[root] = node.outputs[i];
    }
    return {};
  }

  Status check_producers() const {
    for (ValueId id = 0; id < graph_.value_count(); ++id)
      if (!graph_.value(id).erased && !defined_[id])
        return fail(ErrorCode::kInternal, "graph value " + std::to_string(id),
                    "no node that runs lists it as an output");
    return {};
  }

  Status check_outputs() const {
    if (graph_.outputs().empty()) return fail(ErrorCode::kInternal, "graph", "it has no outputs");
    std::set<std::string_view> names;
    for (const Output& output : graph_.outputs()) {
      const std::string what = "graph output " + quoted(output.name);
      if (output.name.empty() || !names.insert(output.name).second)
        return fail(ErrorCode::kInternal, what, "its name is empty or not unique");
      if (output.value >= graph_.value_count() || !defined_[output.value])
        return fail(ErrorCode::kInternal, what, "its value does not exist");
      if (!is_current(output.value)) return fail(ErrorCode::kInternal, what, "it is an old version of a state");
    }
    return {};
  }

  const Graph& graph_;
  std::vector<bool> defined_;
  std::vector<ValueId> root_;     // the value that owns the storage of each value
  std::vector<ValueId> version_;  // the value that wrote what each value shows: a view's is that of its source
  std::unordered_map<ValueId, ValueId> newest_;          // by root: the version that its storage holds now
  std::set<std::pair<NodeId, ValueId>> overwritten_by_;  // node and root
};

}  // namespace

Status verify(const Graph& graph) { return Verifier(graph).run(); }

}  // namespace trireme::graph
