#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <map>

#include "graph/shape_inference.h"

namespace trireme::graph {

ValueId Graph::add_value(Value value) {
  values_.push_back(std::move(value));
  return ValueId(values_.size() - 1);
}

ValueId Graph::add_input(std::string name, TensorDesc desc) {
  return add_value({.name = std::move(name), .desc = desc, .kind = ValueKind::kInput});
}

ValueId Graph::add_weight(std::string name, TensorDesc desc) {
  return add_value({.name = std::move(name), .desc = desc, .kind = ValueKind::kWeight});
}

ValueId Graph::add_constant(std::string name, TensorDesc desc, std::vector<float> data) {
  return add_value({.name = std::move(name), .desc = desc, .kind = ValueKind::kConstant, .data = std::move(data)});
}

ValueId Graph::add_state(std::string name, TensorDesc desc) {
  return add_value({.name = std::move(name), .desc = desc, .kind = ValueKind::kState});
}

Result<std::vector<ValueId>> Graph::add_node(OpParams params, std::vector<ValueId> inputs, std::string label, int layer,
                                             std::span<const TensorDesc> wanted) {
  std::vector<TensorDesc> descs;
  for (const ValueId input : inputs) {
    if (input >= values_.size() || values_[input].erased)
      return fail(ErrorCode::kInternal, "graph node " + label, "value " + std::to_string(input) + " does not exist");
    descs.push_back(values_[input].desc);
  }
  auto outputs = infer_outputs(params, descs, wanted);
  if (!outputs) return fail(std::move(outputs).error(), "building " + (label.empty() ? "a graph node" : label));
  return add_unchecked(params, std::move(inputs), std::move(*outputs), std::move(label), layer);
}

Result<ValueId> Graph::add(OpParams params, std::vector<ValueId> inputs, std::string label, int layer) {
  TRIREME_ASSIGN(const std::vector<ValueId> outputs, add_node(params, std::move(inputs), std::move(label), layer));
  if (outputs.size() != 1)
    return fail(ErrorCode::kInternal, std::string(op_name(params)), "it has more than one output");
  return outputs[0];
}

Result<ValueId> Graph::add_reshape(ValueId input, Shape shape, std::string label, int layer) {
  TensorDesc wanted = values_[input].desc;
  wanted.shape = shape;
  TRIREME_ASSIGN(const std::vector<ValueId> outputs,
                 add_node(Reshape{}, {input}, std::move(label), layer, std::span(&wanted, 1)));
  return outputs[0];
}

Result<ValueId> Graph::add_cast(ValueId input, const Format& format, std::string label, int layer) {
  TensorDesc wanted = values_[input].desc;
  wanted.format = &format;
  TRIREME_ASSIGN(const std::vector<ValueId> outputs,
                 add_node(Cast{}, {input}, std::move(label), layer, std::span(&wanted, 1)));
  return outputs[0];
}

std::vector<ValueId> Graph::add_unchecked(OpParams params, std::vector<ValueId> inputs, std::vector<TensorDesc> outputs,
                                          std::string label, int layer) {
  const auto id = NodeId(nodes_.size());
  std::vector<ValueId> output_ids;
  for (const TensorDesc& desc : outputs) {
    const int index = int(output_ids.size());
    output_ids.push_back(add_value({.name = {}, .desc = desc, .producer = int64_t(id), .output_index = index}));
  }
  nodes_.push_back({.params = params,
                    .inputs = std::move(inputs),
                    .outputs = output_ids,
                    .label = std::move(label),
                    .layer = layer});
  const auto position = insertion_point_ ? std::find(order_.begin(), order_.end(), *insertion_point_) : order_.end();
  order_.insert(position, id);
  return output_ids;
}

void Graph::set_output(std::string name, ValueId value) {
  for (Output& output : outputs_) {
    if (output.name != name) continue;
    output.value = value;
    return;
  }
  outputs_.push_back({std::move(name), value});
}

std::optional<ValueId> Graph::find_output(std::string_view name) const {
  for (const Output& output : outputs_)
    if (output.name == name) return output.value;
  return std::nullopt;
}

std::vector<ValueId> Graph::values_of(ValueKind kind) const {
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < values_.size(); ++id)
    if (!values_[id].erased && values_[id].kind == kind) ids.push_back(id);
  return ids;
}

std::optional<ValueId> Graph::find(std::string_view name) const {
  for (ValueId id = 0; id < values_.size(); ++id) {
    const Value& value = values_[id];
    if (!value.erased && value.kind != ValueKind::kComputed && value.name == name) return id;
  }
  return std::nullopt;
}

std::vector<NodeId> Graph::consumers(ValueId value) const {
  std::vector<NodeId> readers;
  for (const NodeId id : order_) {
    const std::vector<ValueId>& inputs = nodes_[id].inputs;
    if (std::find(inputs.begin(), inputs.end(), value) != inputs.end()) readers.push_back(id);
  }
  return readers;
}

bool Graph::is_output(ValueId value) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) { return output.value == value; });
}

ValueId Graph::storage_root(ValueId value) const {
  // A well-formed graph ends much earlier; the bound holds for one that is not.
  for (size_t step = 0; step < values_.size(); ++step) {
    if (values_[value].producer == kNoNode) return value;
    const Node& producer = nodes_[size_t(values_[value].producer)];
    const int input = aliased_input(producer.params, values_[value].output_index);
    if (input < 0 || size_t(input) >= producer.inputs.size()) return value;
    value = producer.inputs[size_t(input)];
  }
  return value;
}

OpDesc Graph::op_desc(NodeId id) const {
  const Node& node = nodes_[id];
  OpDesc desc{.params = node.params, .inputs = {}, .outputs = {}, .label = node.label};
  for (const ValueId input : node.inputs) {
    const ValueKind kind = values_[input].kind;
    desc.inputs.push_back({values_[input].desc, kind == ValueKind::kWeight || kind == ValueKind::kConstant});
  }
  for (const ValueId output : node.outputs) desc.outputs.push_back(values_[output].desc);
  return desc;
}

void Graph::replace_all_uses(ValueId from, ValueId to) {
  for (const NodeId id : order_) std::replace(nodes_[id].inputs.begin(), nodes_[id].inputs.end(), from, to);
  for (Output& output : outputs_)
    if (output.value == from) output.value = to;
}

Status Graph::erase_node(NodeId id) {
  for (const ValueId output : nodes_[id].outputs)
    if (is_output(output) || !consumers(output).empty())
      return fail(ErrorCode::kInternal, "erasing " + nodes_[id].label, "an output is still used");
  for (const ValueId output : nodes_[id].outputs) values_[output].erased = true;
  nodes_[id].erased = true;
  order_.erase(std::remove(order_.begin(), order_.end(), id), order_.end());
  if (insertion_point_ == id) insertion_point_.reset();
  return {};
}

Status Graph::erase_value(ValueId id) {
  if (values_[id].kind == ValueKind::kComputed || is_output(id) || !consumers(id).empty())
    return fail(ErrorCode::kInternal, "erasing " + values_[id].name, "it is computed or still used");
  values_[id].erased = true;
  return {};
}

namespace {

// Numbers of the live values in the order of the text form: named ones by id, then outputs in running order.
std::vector<size_t> canonical_numbers(const Graph& graph) {
  std::vector<size_t> numbers(graph.value_count(), SIZE_MAX);
  size_t next = 0;
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (!graph.value(id).erased && graph.value(id).kind != ValueKind::kComputed) numbers[id] = next++;
  for (const NodeId node : graph.node_order())
    for (const ValueId output : graph.node(node).outputs) numbers[output] = next++;
  return numbers;
}

std::vector<ValueId> named_values(const Graph& graph) {
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (!graph.value(id).erased && graph.value(id).kind != ValueKind::kComputed) ids.push_back(id);
  return ids;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y); });
}

bool same_value(const Value& a, const Value& b) {
  return a.name == b.name && a.desc == b.desc && a.kind == b.kind && same_bits(a.data, b.data);
}

}  // namespace

bool same_graph(const Graph& a, const Graph& b) {
  const std::vector<ValueId> named_a = named_values(a);
  const std::vector<ValueId> named_b = named_values(b);
  if (named_a.size() != named_b.size() || a.node_order().size() != b.node_order().size() ||
      a.outputs().size() != b.outputs().size())
    return false;
  for (size_t i = 0; i < named_a.size(); ++i)
    if (!same_value(a.value(named_a[i]), b.value(named_b[i]))) return false;

  const std::vector<size_t> numbers_a = canonical_numbers(a);
  const std::vector<size_t> numbers_b = canonical_numbers(b);
  const auto same_ids = [&](const std::vector<ValueId>& x, const std::vector<ValueId>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [&](ValueId p, ValueId q) { return numbers_a[p] == numbers_b[q]; });
  };
  for (size_t i = 0; i < a.node_order().size(); ++i) {
    const Node& x = a.node(a.node_order()[i]);
    const Node& y = b.node(b.node_order()[i]);
    if (x.params != y.params || x.label != y.label || x.layer != y.layer || !same_ids(x.inputs, y.inputs) ||
        !same_ids(x.outputs, y.outputs))
      return false;
    for (size_t j = 0; j < x.outputs.size(); ++j)
      if (a.value(x.outputs[j]).desc != b.value(y.outputs[j]).desc) return false;
  }
  for (size_t i = 0; i < a.outputs().size(); ++i)
    if (a.outputs()[i].name != b.outputs()[i].name ||
        numbers_a[a.outputs()[i].value] != numbers_b[b.outputs()[i].value])
      return false;
  return true;
}

bool is_view(const Node& node) { return std::holds_alternative<Reshape>(node.params); }

std::optional<NodeId> computed_by(const Graph& graph, ValueId value) {
  int64_t producer = graph.value(value).producer;
  while (producer != kNoNode && is_view(graph.node(NodeId(producer))))
    producer = graph.value(graph.node(NodeId(producer)).inputs[0]).producer;
  return producer == kNoNode ? std::nullopt : std::optional(NodeId(producer));
}

std::vector<LayerInfo> layers_of(const Graph& graph) {
  std::map<int, LayerInfo> layers;
  const auto add_once = [](std::vector<ValueId>& ids, ValueId id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  for (const NodeId id : graph.node_order()) {
    LayerInfo& layer = layers[graph.node(id).layer];
    layer.layer = graph.node(id).layer;
    layer.nodes.push_back(id);
    for (const ValueId input : graph.node(id).inputs) {
      const ValueId root = graph.storage_root(input);
      if (graph.value(root).kind == ValueKind::kWeight) add_once(layer.weights, root);
      if (graph.value(root).kind == ValueKind::kState) add_once(layer.states, root);
    }
  }
  std::vector<LayerInfo> result;
  for (auto& entry : layers) result.push_back(std::move(entry.second));
  return result;
}

}  // namespace trireme::graph
