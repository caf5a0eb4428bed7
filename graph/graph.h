// Graph: what one step of a model computes, as values and nodes in SSA form. hal/ops.h holds the ops.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/ops.h"

namespace trireme::graph {

enum class ValueKind : uint8_t {
  kInput,     // written before each step
  kWeight,    // a tensor of the model file, under its canonical (GGUF) name
  kConstant,  // numbers that the builder computed, such as rope frequencies; f32
  kState,     // lives from step to step: KV caches
  kComputed,  // the output of a node
};

using ValueId = uint32_t;
using NodeId = uint32_t;
constexpr int64_t kNoNode = -1;

struct Value {
  std::string name;  // unique among the live values of the other kinds, empty for kComputed
  TensorDesc desc;
  ValueKind kind = ValueKind::kComputed;
  int64_t producer = kNoNode;    // NodeId, for kComputed
  int output_index = 0;          // which output of the producer
  std::vector<float> data = {};  // kConstant: every element
  bool erased = false;
};

struct Node {
  OpParams params;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::string label;  // "blk.3.attn_q"; only for people
  int layer = -1;     // -1: before the first layer, 0 .. L-1, L: head
  bool erased = false;
};

struct Output {
  std::string name;
  ValueId value = 0;
  bool operator==(const Output&) const = default;
};

// Ids stay valid while the graph is rewritten: erasing only marks. Nodes run in the order of node_order(), which is the
// order of adding unless insert_before() moved the point. A graph holds no device and no bytes of weights.
class Graph {
 public:
  ValueId add_input(std::string name, TensorDesc desc);
  ValueId add_weight(std::string name, TensorDesc desc);
  ValueId add_constant(std::string name, TensorDesc desc, std::vector<float> data);
  ValueId add_state(std::string name, TensorDesc desc);

  // Adds a node and its outputs, with shapes by infer_outputs(). A node whose op overwrites a state returns the state's
  // new version: later reads must use it. Errors: those of infer_outputs(), with the label as context.
  // `wanted` is the result of a Reshape or Cast, which their inputs do not determine.
  Result<std::vector<ValueId>> add_node(OpParams params, std::vector<ValueId> inputs, std::string label, int layer,
                                        std::span<const TensorDesc> wanted = {});
  // The same for ops with one output.
  Result<ValueId> add(OpParams params, std::vector<ValueId> inputs, std::string label, int layer);
  Result<ValueId> add_reshape(ValueId input, Shape shape, std::string label, int layer);
  Result<ValueId> add_cast(ValueId input, const Format& format, std::string label, int layer);
  // Adds a node without inference, for a reader that states the outputs itself; verify() judges the result.
  std::vector<ValueId> add_unchecked(OpParams params, std::vector<ValueId> inputs, std::vector<TensorDesc> outputs,
                                     std::string label, int layer);

  // Later nodes go directly before `node`, or to the end again with nullopt.
  void insert_before(std::optional<NodeId> node) { insertion_point_ = node; }

  void set_output(std::string name, ValueId value);  // replaces the output of that name, or appends one
  std::span<const Output> outputs() const { return outputs_; }
  std::optional<ValueId> find_output(std::string_view name) const;

  // Ids below these counts exist; some may be erased.
  size_t value_count() const { return values_.size(); }
  size_t node_count() const { return nodes_.size(); }
  const Value& value(ValueId id) const { return values_[id]; }
  const Node& node(NodeId id) const { return nodes_[id]; }
  Value& mutable_value(ValueId id) { return values_[id]; }
  Node& mutable_node(NodeId id) { return nodes_[id]; }

  const std::vector<NodeId>& node_order() const { return order_; }  // live nodes, as they run
  std::vector<ValueId> values_of(ValueKind kind) const;             // live values, by id
  std::optional<ValueId> find(std::string_view name) const;         // a live named value

  // The nodes that read a value, in running order, each once.
  std::vector<NodeId> consumers(ValueId value) const;
  bool is_output(ValueId value) const;
  // The value whose storage this one shares in the end: follows aliased_input() from outputs to inputs.
  ValueId storage_root(ValueId value) const;
  // The op with its operand descriptors, as devices judge it; weights and constants are marked constant.
  OpDesc op_desc(NodeId node) const;

  // Every use of `from`, as an input or an output of the graph, becomes a use of `to`.
  void replace_all_uses(ValueId from, ValueId to);
  // Erases a node and its outputs, which nothing may use any more (else kInternal).
  Status erase_node(NodeId node);
  // Erases a named value that nothing uses (else kInternal).
  Status erase_value(ValueId value);

 private:
  ValueId add_value(Value value);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<Output> outputs_;
  std::optional<NodeId> insertion_point_;
};

// True when both graphs are the same up to the numbering of ids: same named values, nodes, order, labels and outputs.
bool same_graph(const Graph& a, const Graph& b);

// A reshape: another view of its input's storage, which nobody computes.
bool is_view(const Node& node);
// The node whose result the value is, past reshapes; nullopt when no node computes it.
std::optional<NodeId> computed_by(const Graph& graph, ValueId value);

// The nodes of one layer, in running order.
struct LayerInfo {
  int layer = 0;
  std::vector<NodeId> nodes;
  std::vector<ValueId> weights;  // read by these nodes, each once
  std::vector<ValueId> states;
};

// All layers that have nodes, by number.
std::vector<LayerInfo> layers_of(const Graph& graph);

}  // namespace trireme::graph
