#include "compiler/partition.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

namespace trireme::compiler {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using graph::ValueKind;

namespace {

// The device of every node: first that of its layer, then the fallback for what that one cannot do.
class Assignment {
 public:
  Assignment(const Graph& graph, const Placement& placement)
      : graph_(graph), placement_(placement), device_of_(graph.node_count(), -1), refusals_(graph.node_count()) {
    costs.resize(graph.node_count());
  }

  std::vector<OpCost> costs;

  int device_of(NodeId node) const { return device_of_[node]; }

  void assign() {
    for (size_t device = 0; device < placement_.devices.size(); ++device) {
      std::vector<NodeId> nodes;
      for (const NodeId node : graph_.node_order())
        if (!is_view(graph_.node(node)) && device_of_layer(graph_.node(node).layer) == int(device))
          nodes.push_back(node);
      assess(nodes, int(device));
    }
    if (placement_.fallback < 0) return;
    std::vector<NodeId> moved;
    for (const NodeId node : graph_.node_order())
      if (moves(node)) moved.push_back(node);
    assess(moved, placement_.fallback);
  }

  Status check() const {
    std::vector<NodeId> refused;
    for (const NodeId node : graph_.node_order())
      if (!refusals_[node].empty()) refused.push_back(node);
    if (refused.empty()) return {};
    if (refused.size() == 1)
      return fail(ErrorCode::kUnsupported, graph_.op_desc(refused[0]).text(), refusals_[refused[0]],
                  "choose another device");
    return fail(ErrorCode::kUnsupported, std::to_string(refused.size()) + " ops", list(refused),
                "choose another device, or allow one to do them");
  }

 private:
  int device_of_layer(int layer) const {
    for (const LayerRange& range : placement_.ranges)
      if (layer >= range.first && layer <= range.last) return range.device;
    return -1;
  }

  void assess(const std::vector<NodeId>& nodes, int index) {
    const Device& device = *placement_.devices[size_t(index)];
    std::vector<OpDesc> ops;
    for (const NodeId node : nodes) ops.push_back(graph_.op_desc(node));
    const std::vector<Assessment> answers = device.assess(ops);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const auto* unsupported = std::get_if<Unsupported>(&answers[i]);
      std::string& refusal = refusals_[nodes[i]];
      if (unsupported) {
        refusal += (refusal.empty() ? "" : ", and ") + device.info().id + " cannot do it: " + unsupported->reason;
        continue;
      }
      refusal.clear();
      device_of_[nodes[i]] = index;
      costs[nodes[i]] = std::get<OpCost>(answers[i]);
    }
  }

  // Whether the node, or one that shares a state with it, needs the fallback.
  bool moves(NodeId node) const {
    if (is_view(graph_.node(node))) return false;
    if (!refusals_[node].empty()) return device_of_layer(graph_.node(node).layer) != placement_.fallback;
    for (const ValueId input : graph_.node(node).inputs) {
      const ValueId root = graph_.storage_root(input);
      if (graph_.value(root).kind != ValueKind::kState) continue;
      for (const NodeId other : graph_.node_order()) {
        if (refusals_[other].empty()) continue;
        const auto& inputs = graph_.node(other).inputs;
        if (std::any_of(inputs.begin(), inputs.end(),
                        [&](ValueId value) { return graph_.storage_root(value) == root; }))
          return true;
      }
    }
    return false;
  }

  // Ops that differ by their layer alone are named together.
  std::string list(const std::vector<NodeId>& refused) const {
    std::map<std::tuple<std::string_view, std::string, std::string>, std::vector<NodeId>> kinds;
    for (const NodeId id : refused) {
      const Node& node = graph_.node(id);
      kinds[{op_name(node.params), without_layer(node), refusals_[id]}].push_back(id);
    }
    std::string text;
    for (const auto& [kind, nodes] : kinds) {
      text += (text.empty() ? "" : ". ") + graph_.op_desc(nodes[0]).text();
      if (nodes.size() > 1) text += " and so in layers " + layers(std::span(nodes).subspan(1));
      text += ": " + std::get<2>(kind);
    }
    return text;
  }

  // "blk.3.attn_q" gives "blk..attn_q".
  static std::string without_layer(const Node& node) {
    std::string label = node.label;
    const std::string number = "." + std::to_string(node.layer) + ".";
    if (const size_t at = label.find(number); at != std::string::npos) label.erase(at + 1, number.size() - 2);
    return label;
  }

  // "1 to 4, 6": the nodes come in the order of their layers.
  std::string layers(std::span<const NodeId> nodes) const {
    std::string text;
    for (size_t first = 0; first < nodes.size();) {
      size_t last = first;
      const auto layer = [&](size_t i) { return graph_.node(nodes[i]).layer; };
      while (last + 1 < nodes.size() && layer(last + 1) <= layer(last) + 1) ++last;
      text += (text.empty() ? "" : ", ") + std::to_string(layer(first));
      if (layer(last) > layer(first)) text += " to " + std::to_string(layer(last));
      first = last + 1;
    }
    return text;
  }

  const Graph& graph_;
  const Placement& placement_;
  std::vector<int> device_of_;
  std::vector<std::string> refusals_;  // empty where a device was found
};

// Neighbouring ranges of one device.
std::vector<LayerRange> merged(const std::vector<LayerRange>& ranges) {
  std::vector<LayerRange> result;
  for (const LayerRange& range : ranges) {
    if (!result.empty() && result.back().device == range.device)
      result.back().last = range.last;
    else
      result.push_back(range);
  }
  return result;
}

// Puts a range's nodes into as few parts as taking turns needs: each part takes all nodes of its device whose operands
// are there.
void add_parts(const Graph& graph, const Assignment& assignment, const LayerRange& range, std::vector<bool>& done,
               std::vector<PartNodes>& parts) {
  std::vector<NodeId> left;
  for (const NodeId node : graph.node_order())
    if (!is_view(graph.node(node)) && graph.node(node).layer >= range.first && graph.node(node).layer <= range.last)
      left.push_back(node);
  const auto ready = [&](NodeId node) {
    return std::all_of(graph.node(node).inputs.begin(), graph.node(node).inputs.end(), [&](ValueId input) {
      const auto producer = computed_by(graph, input);
      return !producer || done[*producer];
    });
  };
  while (!left.empty()) {
    PartNodes part;
    part.device = assignment.device_of(left.front());
    part.first_layer = graph.node(left.front()).layer;
    std::vector<NodeId> later;
    for (const NodeId node : left) {
      if (assignment.device_of(node) != part.device || !ready(node)) {
        later.push_back(node);
        continue;
      }
      done[node] = true;
      part.last_layer = std::max(part.last_layer, graph.node(node).layer);
      part.nodes.push_back(node);
    }
    left = std::move(later);
    parts.push_back(std::move(part));
  }
}

}  // namespace

Result<Partition> partition(const Graph& graph, const Placement& placement) {
  Assignment assignment(graph, placement);
  assignment.assign();
  TRIREME_TRY(assignment.check());
  Partition result;
  std::vector<bool> done(graph.node_count(), false);
  for (const LayerRange& range : merged(placement.ranges)) add_parts(graph, assignment, range, done, result.parts);
  result.costs = std::move(assignment.costs);
  return result;
}

}  // namespace trireme::compiler
