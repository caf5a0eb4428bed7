#include "compiler/schedule.h"

#include <algorithm>
#include <unordered_map>

namespace trireme::compiler {

Schedule schedule(const graph::Graph& graph, const std::vector<graph::NodeId>& nodes) {
  Schedule levels;
  std::unordered_map<graph::NodeId, size_t> ready_after;  // the first level at which a node's outputs can be read
  for (const graph::NodeId id : nodes) {
    const graph::Node& node = graph.node(id);
    if (graph::is_view(node)) continue;
    size_t level = 0;
    for (const graph::ValueId input : node.inputs) {
      const auto producer = graph::computed_by(graph, input);
      if (!producer) continue;
      const auto found = ready_after.find(*producer);
      if (found != ready_after.end()) level = std::max(level, found->second);
    }
    if (levels.size() <= level) levels.resize(level + 1);
    levels[level].push_back(id);
    ready_after[id] = level + 1;
  }
  return levels;
}

}  // namespace trireme::compiler
