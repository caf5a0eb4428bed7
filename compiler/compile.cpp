#include "compiler/compile.h"

#include <algorithm>
#include <optional>

#include "compiler/partition.h"
#include "compiler/passes/passes.h"
#include "graph/verifier.h"

namespace trireme::compiler {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;
using graph::ValueKind;

namespace {

struct Pass {
  const char* name;
  Status (*run)(Graph&);
  bool enabled;
};

// What the part's ops cost, all together.
OpCost total_cost(const PartNodes& nodes, const std::vector<OpCost>& costs) {
  OpCost total;
  for (const NodeId node : nodes.nodes) {
    total.multiply_adds += costs[node].multiply_adds;
    total.bytes_moved += costs[node].bytes_moved;
    total.weight_bytes += costs[node].weight_bytes;
    total.mapped_weight_bytes += costs[node].mapped_weight_bytes;
    total.workspace_bytes = std::max(total.workspace_bytes, costs[node].workspace_bytes);
  }
  return total;
}

bool lives_in_arena(const Graph& graph, ValueId value) { return graph.value(value).kind == ValueKind::kComputed; }

// Values that parts after `part` read, so that they must outlive its levels.
bool leaves_part(const Graph& graph, const std::vector<int>& part_of_node, int part, ValueId value) {
  if (graph.is_output(value)) return true;
  for (const NodeId consumer : graph.consumers(value)) {
    const graph::Node& node = graph.node(consumer);
    if (is_view(node) ? leaves_part(graph, part_of_node, part, node.outputs[0]) : part_of_node[consumer] != part)
      return true;
  }
  return false;
}

void plan_part(const Graph& graph, const std::vector<int>& part_of_node, int index, const std::vector<OpCost>& costs,
               Part& part) {
  std::vector<Lifetime> lifetimes;
  std::vector<int64_t> lifetime_of(graph.value_count(), -1);
  const auto end = int64_t(part.levels.size());
  const auto touch = [&](ValueId value, int64_t level) {
    const ValueId root = graph.storage_root(value);
    if (!lives_in_arena(graph, root)) return;
    int64_t& lifetime = lifetime_of[root];
    if (lifetime < 0) {
      lifetime = int64_t(lifetimes.size());
      lifetimes.push_back({uint64_t(graph.value(root).desc.bytes()), level, level});
    }
    Lifetime& span = lifetimes[size_t(lifetime)];
    span.last = std::max(span.last, leaves_part(graph, part_of_node, index, value) ? end : level);
  };
  for (const Transfer& transfer : part.incoming) touch(transfer.value, -1);
  std::vector<std::pair<NodeId, size_t>> workspace_lifetimes;
  for (size_t level = 0; level < part.levels.size(); ++level) {
    for (const NodeId id : part.levels[level]) {
      for (const ValueId input : graph.node(id).inputs) touch(input, int64_t(level));
      for (const ValueId output : graph.node(id).outputs) touch(output, int64_t(level));
      if (costs[id].workspace_bytes > 0) {
        workspace_lifetimes.emplace_back(id, lifetimes.size());
        lifetimes.push_back({costs[id].workspace_bytes, int64_t(level), int64_t(level)});
      }
    }
  }
  const MemoryPlan plan = plan_memory(lifetimes);
  part.arena_bytes = plan.peak_bytes;
  part.value_offsets.assign(graph.value_count(), kNoOffset);
  part.workspace_offsets.assign(graph.node_count(), kNoOffset);
  for (ValueId value = 0; value < graph.value_count(); ++value) {
    if (graph.value(value).erased) continue;
    const int64_t lifetime = lifetime_of[graph.storage_root(value)];
    if (lifetime >= 0) part.value_offsets[value] = plan.offsets[size_t(lifetime)];
  }
  for (const auto& [node, lifetime] : workspace_lifetimes) part.workspace_offsets[node] = plan.offsets[lifetime];
}

// The node that computes the storage of a value, if one does.
std::optional<NodeId> storage_producer(const Graph& graph, ValueId value) {
  const int64_t producer = graph.value(graph.storage_root(value)).producer;
  return producer == graph::kNoNode ? std::nullopt : std::optional(NodeId(producer));
}

// What a part reads of values that others compute.
std::vector<Transfer> incoming(const Graph& graph, const std::vector<int>& part_of_node, const PartNodes& nodes,
                               int part) {
  std::vector<Transfer> transfers;
  for (const NodeId id : nodes.nodes)
    for (const ValueId input : graph.node(id).inputs) {
      const auto producer = storage_producer(graph, input);
      if (!producer || part_of_node[*producer] == part) continue;
      const ValueId root = graph.storage_root(input);
      const auto same = [&](const Transfer& transfer) { return transfer.value == root; };
      if (std::none_of(transfers.begin(), transfers.end(), same)) transfers.push_back({root, part_of_node[*producer]});
    }
  return transfers;
}

}  // namespace

Status optimize(Graph& graph, const CompileOptions& options, const PassObserver& after) {
  const Pass passes[] = {
      {"canonicalize", canonicalize, true},
      {"fuse gate and up", fuse_gate_up, options.fuse},
      {"fuse matmul epilogues", fuse_matmul_epilogue, options.fuse},
      {"fuse residual and norm", fuse_residual_norm, options.fuse},
      {"fuse rope and store", fuse_rope_store, options.fuse},
      {"quantize activations", quantize_activations, options.quantize_activations},
      {"fuse quantize", fuse_quantize, options.fuse},
      {"eliminate dead code", eliminate_dead_code, true},
  };
  for (const Pass& pass : passes) {
    if (!pass.enabled) continue;
    if (Status status = pass.run(graph); !status)
      return fail(std::move(status).error(), std::string("running the pass '") + pass.name + "'");
    if (Status status = graph::verify(graph); !status)
      return fail(std::move(status).error(), std::string("verifying after the pass '") + pass.name + "'");
    if (after) after(pass.name, graph);
  }
  return {};
}

Result<CompiledGraph> compile(Graph graph, const Placement& placement, const CompileOptions& options) {
  TRIREME_TRY(graph::verify(graph));
  int last_layer = -1;
  for (const NodeId id : graph.node_order()) last_layer = std::max(last_layer, graph.node(id).layer);
  TRIREME_TRY(check(placement, last_layer));
  TRIREME_TRY(optimize(graph, options));
  CompiledGraph compiled;
  compiled.step = step_layout(graph);
  TRIREME_ASSIGN(const Partition split, partition(graph, placement));
  std::vector<int> part_of_node(graph.node_count(), -1);
  for (size_t i = 0; i < split.parts.size(); ++i)
    for (const NodeId node : split.parts[i].nodes) part_of_node[node] = int(i);
  for (size_t i = 0; i < split.parts.size(); ++i) {
    const PartNodes& nodes = split.parts[i];
    Part part;
    part.device = nodes.device;
    part.first_layer = nodes.first_layer;
    part.last_layer = nodes.last_layer;
    part.levels = schedule(graph, nodes.nodes);
    part.incoming = incoming(graph, part_of_node, nodes, int(i));
    part.cost = total_cost(nodes, split.costs);
    plan_part(graph, part_of_node, int(i), split.costs, part);
    compiled.parts.push_back(std::move(part));
  }
  compiled.graph = std::move(graph);
  return compiled;
}

}  // namespace trireme::compiler
