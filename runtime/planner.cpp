#include "runtime/planner.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/compile.h"
#include "runtime/kv_blocks.h"

namespace trireme::runtime {
namespace {

constexpr int64_t kPlannedBlock = KvBlocksShape{}.block_size;

struct LayerBytes {
  uint64_t weights = 0;
  uint64_t kv = 0;
  uint64_t total() const { return weights + kv; }
};

// For what stays: loading needs some of it, too.
uint64_t free_bytes(const PlanDevice& device) {
  uint64_t bytes = 0;
  for (const MemoryHeap& heap : device.device->memory()) bytes += heap.free_bytes;
  bytes = device.budget.value_or(bytes);
  return bytes - std::min(bytes, device.device->loading_bytes());
}

std::string mebibytes(uint64_t bytes) {
  const uint64_t tenths = (bytes * 10 + (1u << 19)) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

std::vector<LayerBytes> layer_bytes(const graph::Graph& graph, int64_t layers) {
  std::vector<LayerBytes> bytes(size_t(layers) + 2);
  for (const graph::LayerInfo& info : graph::layers_of(graph)) {
    LayerBytes& layer = bytes[size_t(info.layer + 1)];
    for (const graph::ValueId weight : info.weights) layer.weights += uint64_t(graph.value(weight).desc.bytes());
    for (const graph::ValueId state : info.states) layer.kv += uint64_t(graph.value(state).desc.bytes());
  }
  return bytes;
}

// The first layer after `first` that the device no longer gets: it takes layers while the middle of the next one lies
// within its share of all bytes.
int range_end(const std::vector<LayerBytes>& layers, int first, double share_end) {
  uint64_t before = 0;
  for (int i = 0; i < first; ++i) before += layers[size_t(i)].total();
  int end = first;
  while (end < int(layers.size()) && double(before) + double(layers[size_t(end)].total()) / 2 <= share_end)
    before += layers[size_t(end++)].total();
  return end;
}

std::string layer_name(int layer, int layers) {
  return layer < 0 ? "the embedding" : layer == layers ? "the head" : "layer " + std::to_string(layer);
}

// Names what would fit: the longest context that leaves room for the weights, or the memory that is missing.
tl::unexpected<Error> does_not_fit(const PlannedRange& range, int64_t tokens, int layers) {
  const uint64_t fixed = range.weight_bytes + range.step_bytes;
  const uint64_t needed = fixed + range.kv_bytes;
  const uint64_t room = range.budget_bytes > fixed ? range.budget_bytes - fixed : 0;
  const uint64_t fitting =
      range.kv_bytes > 0 ? room / (range.kv_bytes / uint64_t(tokens)) / kPlannedBlock * kPlannedBlock : 0;
  return fail(ErrorCode::kOutOfMemory, range.device,
              layer_name(range.first_layer, layers) + " to " + layer_name(range.last_layer, layers) + " need " +
                  mebibytes(needed) + " (weights " + mebibytes(range.weight_bytes) + ", KV cache of " +
                  std::to_string(tokens) + " tokens " + mebibytes(range.kv_bytes) + ") and it may use " +
                  mebibytes(range.budget_bytes),
              (fitting > 0 ? "a context of " + std::to_string(fitting) + " tokens would fit, " : std::string()) +
                  mebibytes(needed - range.budget_bytes) + " more would do, here or on another device");
}

void add_fallback(compiler::Placement& placement, const std::shared_ptr<Device>& device) {
  const auto same =
      std::ranges::find_if(placement.devices, [&](const auto& other) { return other->info().id == device->info().id; });
  placement.fallback = int(same - placement.devices.begin());
  if (same == placement.devices.end()) placement.devices.push_back(device);
}

// The device of the layer that a part is of.
int layer_device(const compiler::Placement& placement, const compiler::Part& part) {
  for (const compiler::LayerRange& range : placement.ranges)
    if (part.first_layer >= range.first && part.first_layer <= range.last) return range.device;
  return part.device;
}

bool fallback_needed(const compiler::CompiledGraph& compiled, const compiler::Placement& placement) {
  return std::ranges::any_of(compiled.parts,
                             [&](const compiler::Part& part) { return part.device != layer_device(placement, part); });
}

// Weights and caches that the device's ops read, each once. An embedding that is also the head is in both uses what the
// larger of them keeps: either they share a copy, or the embedding's few rows are read in place.
LayerBytes device_bytes(const compiler::CompiledGraph& compiled, const compiler::Placement& placement, int index) {
  const Device& device = *placement.devices[size_t(index)];
  std::map<graph::ValueId, uint64_t> states;
  std::map<std::vector<graph::ValueId>, uint64_t> weights;
  for (const compiler::Part& part : compiled.parts) {
    if (part.device != index) continue;
    for (const auto& level : part.levels)
      for (const graph::NodeId node : level) {
        std::vector<graph::ValueId> constants;
        for (const graph::ValueId input : compiled.graph.node(node).inputs) {
          const graph::ValueId root = compiled.graph.storage_root(input);
          const graph::Value& value = compiled.graph.value(root);
          if (value.kind == graph::ValueKind::kWeight || value.kind == graph::ValueKind::kConstant)
            constants.push_back(root);
          if (value.kind == graph::ValueKind::kState) states[root] = uint64_t(value.desc.bytes());
        }
        if (constants.empty()) continue;
        const OpDesc op = compiled.graph.op_desc(node);
        const OpCost cost =
            std::get<OpCost>(device.assess({&op, 1}).front());  // compile() has refused what it can't do
        uint64_t& kept = weights[constants];
        kept = std::max(kept, cost.weight_bytes + cost.mapped_weight_bytes);
      }
  }
  LayerBytes bytes;
  for (const auto& [ids, kept] : weights) bytes.weights += kept;
  for (const auto& [id, kept] : states) bytes.kv += kept;
  return bytes;
}

// "ops that opencl:4 cannot do: attention, rope_store"
std::string fallback_reason(const compiler::CompiledGraph& compiled, const compiler::Placement& placement) {
  std::set<std::string> ops, devices;
  for (const compiler::Part& part : compiled.parts) {
    const int owner = layer_device(placement, part);
    if (part.device == owner) continue;
    devices.insert(placement.devices[size_t(owner)]->info().id);
    for (const auto& level : part.levels)
      for (const graph::NodeId node : level) ops.emplace(op_name(compiled.graph.node(node).params));
  }
  const auto joined = [](const std::set<std::string>& names, const char* separator) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : separator) + name;
    return text;
  };
  return "ops that " + joined(devices, " or ") + " cannot do: " + joined(ops, ", ");
}

// Adds what the fallback does for the ranges.
void move_to_fallback(const compiler::CompiledGraph& compiled, const PlanDevice& fallback, Plan& plan) {
  const compiler::Placement& placement = plan.placement;
  const std::string reason = fallback_reason(compiled, placement);
  PlannedRange rest;
  rest.first_layer = compiled.parts.front().first_layer;
  rest.last_layer = compiled.parts.back().last_layer;
  rest.device = fallback.device->info().id;
  rest.budget_bytes = free_bytes(fallback);
  rest.reason = reason;
  const auto own = std::ranges::find(plan.ranges, rest.device, &PlannedRange::device);
  if (own == plan.ranges.end())
    plan.ranges.push_back(rest);
  else
    own->reason += ", and " + reason;
}

// What each range takes of its device.
void measure(const compiler::CompiledGraph& compiled, Plan& plan) {
  for (PlannedRange& range : plan.ranges) {
    const auto& devices = plan.placement.devices;
    const auto device = std::ranges::find_if(devices, [&](const auto& one) { return one->info().id == range.device; });
    const int index = int(device - devices.begin());
    const LayerBytes bytes = device_bytes(compiled, plan.placement, index);
    range.weight_bytes = bytes.weights;
    range.kv_bytes = bytes.kv;
    range.step_bytes = compiled.step.bytes;
    for (const compiler::Part& part : compiled.parts)
      if (part.device == index) range.step_bytes += part.arena_bytes;
  }
}

}  // namespace

Result<Plan> plan_placement(const Model& model, std::vector<PlanDevice> devices, const PlanOptions& options) {
  if (devices.empty())
    return fail(ErrorCode::kInvalidArgument, "plan", "no device was given", "name one with --device");
  const int64_t layer_count = model.hyperparameters().layers;
  const int64_t context = options.context ? options.context : model.hyperparameters().context_length;
  const int64_t blocks = (context + kPlannedBlock - 1) / kPlannedBlock;
  const Format* kv_format = options.kv_format ? options.kv_format : devices[0].device->info().numeric.kv_format;
  constexpr int64_t kRows = 512;
  TRIREME_ASSIGN(graph::Graph graph, model.build_graph({std::min(kRows, context), 1, options.sequences, blocks,
                                                        blocks * options.sequences, kPlannedBlock, kv_format}));
  const std::vector<LayerBytes> layers = layer_bytes(graph, layer_count);
  uint64_t all = 0;
  for (const LayerBytes& layer : layers) all += layer.total();
  double budget_sum = 0;
  for (const PlanDevice& device : devices) budget_sum += double(free_bytes(device));

  Plan plan;
  int first = 0;
  double share = 0;
  for (size_t i = 0; i < devices.size(); ++i) {
    const uint64_t budget = free_bytes(devices[i]);
    share += budget_sum > 0 ? double(budget) / budget_sum : 1.0;
    const int end = i + 1 == devices.size() ? int(layers.size()) : range_end(layers, first, share * double(all));
    plan.placement.devices.push_back(devices[i].device);
    if (end == first) continue;
    PlannedRange range;
    range.first_layer = first - 1;
    range.last_layer = end - 2;
    range.device = devices[i].device->info().id;
    range.budget_bytes = budget;
    range.reason = devices.size() == 1 ? "the only device given"
                                       : std::to_string(int(100.0 * double(budget) / std::max(budget_sum, 1.0) + 0.5)) +
                                             " % of the devices' free bytes";
    plan.ranges.push_back(range);
    plan.placement.ranges.push_back({range.first_layer, range.last_layer, int(i)});
    first = end;
  }
  if (options.fallback) add_fallback(plan.placement, options.fallback->device);
  TRIREME_ASSIGN(const compiler::CompiledGraph compiled, compiler::compile(std::move(graph), plan.placement));
  if (fallback_needed(compiled, plan.placement)) move_to_fallback(compiled, *options.fallback, plan);
  measure(compiled, plan);
  for (const PlannedRange& range : plan.ranges)
    if (range.weight_bytes + range.kv_bytes + range.step_bytes > range.budget_bytes)
      return does_not_fit(range, blocks * kPlannedBlock, int(layer_count));
  return plan;
}

}  // namespace trireme::runtime
