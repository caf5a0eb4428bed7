#include "compiler/compile.h"

#include <algorithm>

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

// The part that computes a layer.
int part_of_layer(const std::vector<Part>& parts, int layer) {
  for (size_t i = 0; i < parts.size(); ++i)
    if (layer >= parts[i].first_layer && layer <= parts[i].last_layer) return int(i);
  return -1;
}

std::vector<Part> make_parts(const Placement& placement) {
  std::vector<Part> parts;
  for (const LayerRange& range : placement.ranges) {
    if (!parts.empty() && parts.back().device == range.device) {
      parts.back().last_layer = range.last;
    } else {
      Part part;
      part.device = range.device;
      part.first_layer = range.first;
      part.last_layer = range.last;
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

// Asks the device about every op of the part; workspaces[i] belongs to the i-th node of the levels, flattened.
Result<std::vector<uint64_t>> assess_part(const Graph& graph, const Device& device, Part& part) {
  std::vector<OpDesc> ops;
  for (const auto& level : part.levels)
    for (const NodeId id : level) ops.push_back(graph.op_desc(id));
  const std::vector<Assessment> answers = device.assess(ops);
  std::vector<uint64_t> workspaces;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (const auto* unsupported = std::get_if<Unsupported>(&answers[i]))
      return fail(ErrorCode::kUnsupported, ops[i].text(), device.info().id + " cannot do it: " + unsupported->reason,
                  "choose another device");
    const OpCost& cost = std::get<OpCost>(answers[i]);
    part.cost.multiply_adds += cost.multiply_adds;
    part.cost.bytes_moved += cost.bytes_moved;
    part.cost.weight_bytes += cost.weight_bytes;
    part.cost.workspace_bytes = std::max(part.cost.workspace_bytes, cost.workspace_bytes);
    workspaces.push_back(cost.workspace_bytes);
  }
  return workspaces;
}

bool lives_in_arena(const Graph& graph, ValueId value) { return graph.value(value).kind == ValueKind::kComputed; }

// Values that parts after `part` read, so that they must outlive its levels.
bool leaves_part(const Graph& graph, const std::vector<int>& part_of_node, int part, ValueId value) {
  if (graph.is_output(value)) return true;
  for (const NodeId consumer : graph.consumers(value))
    if (part_of_node[consumer] != part) return true;
  return false;
}

void plan_part(const Graph& graph, const std::vector<int>& part_of_node, int index,
               const std::vector<uint64_t>& workspaces, Part& part) {
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
  size_t flat = 0;
  for (size_t level = 0; level < part.levels.size(); ++level) {
    for (const NodeId id : part.levels[level]) {
      for (const ValueId input : graph.node(id).inputs) touch(input, int64_t(level));
      for (const ValueId output : graph.node(id).outputs) touch(output, int64_t(level));
      if (workspaces[flat] > 0) {
        workspace_lifetimes.emplace_back(id, lifetimes.size());
        lifetimes.push_back({workspaces[flat], int64_t(level), int64_t(level)});
      }
      ++flat;
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

// Splits the nodes over the parts and finds what crosses between them.
Result<std::vector<int>> split(const Graph& graph, std::vector<Part>& parts) {
  std::vector<int> part_of_node(graph.node_count(), -1);
  std::vector<std::vector<NodeId>> nodes(parts.size());
  for (const NodeId id : graph.node_order()) {
    const int part = part_of_layer(parts, graph.node(id).layer);
    if (part < 0)
      return fail(ErrorCode::kInternal, graph.node(id).label,
                  "no part holds layer " + std::to_string(graph.node(id).layer));
    part_of_node[id] = part;
    nodes[size_t(part)].push_back(id);
    for (const ValueId input : graph.node(id).inputs) {
      const ValueId root = graph.storage_root(input);
      const int64_t producer = graph.value(root).producer;
      if (producer == graph::kNoNode || part_of_node[size_t(producer)] == part) continue;
      auto& incoming = parts[size_t(part)].incoming;
      const auto same = [&](const Transfer& transfer) { return transfer.value == root; };
      if (std::none_of(incoming.begin(), incoming.end(), same))
        incoming.push_back({root, part_of_node[size_t(producer)]});
    }
  }
  for (size_t i = 0; i < parts.size(); ++i) parts[i].levels = schedule(graph, nodes[i]);
  return part_of_node;
}

}  // namespace

Status optimize(Graph& graph, const CompileOptions& options) {
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
  }
  return {};
}

Result<CompiledGraph> compile(Graph graph, const Placement& placement, const CompileOptions& options) {
  TRIREME_TRY(graph::verify(graph));
  TRIREME_TRY(optimize(graph, options));
  int last_layer = -1;
  for (const NodeId id : graph.node_order()) last_layer = std::max(last_layer, graph.node(id).layer);
  TRIREME_TRY(check(placement, last_layer));

  CompiledGraph compiled;
  compiled.step = step_layout(graph);
  compiled.parts = make_parts(placement);
  TRIREME_ASSIGN(const std::vector<int> part_of_node, split(graph, compiled.parts));
  for (size_t i = 0; i < compiled.parts.size(); ++i) {
    Part& part = compiled.parts[i];
    TRIREME_ASSIGN(const std::vector<uint64_t> workspaces,
                   assess_part(graph, *placement.devices[size_t(part.device)], part));
    plan_part(graph, part_of_node, int(i), workspaces, part);
  }
  compiled.graph = std::move(graph);
  return compiled;
}

}  // namespace trireme::compiler
