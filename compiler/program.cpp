#include "compiler/program.h"

#include <algorithm>

#include "hal/operands.h"

namespace trireme::compiler {

using graph::NodeId;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

namespace {

// The source's arena as the other device sees it. Errors: kUnsupported where it cannot.
Result<std::shared_ptr<Buffer>> reach(const PartMemory& source, const PartMemory& target) {
  TRIREME_ASSIGN(const std::span<std::byte> mapped, source.arena->map());
  return target.device->import_host(mapped);
}

}  // namespace

Status Program::Bridge::run() {
  for (Copy& copy : copies) {
    TRIREME_TRY(copy.from.buffer->read(copy.from.offset, copy.bytes));
    TRIREME_TRY(copy.to.buffer->write(copy.to.offset, copy.bytes));
  }
  return {};
}

Result<std::unique_ptr<Program>> Program::create(CompiledGraph compiled, const ProgramBindings& bindings,
                                                 WeightStore& weights) {
  if (bindings.parts.size() != compiled.parts.size())
    return fail(ErrorCode::kInvalidArgument, "program",
                "it has " + std::to_string(compiled.parts.size()) + " parts and memory for " +
                    std::to_string(bindings.parts.size()));
  std::unique_ptr<Program> program(new Program(std::move(compiled)));
  for (const PartMemory& memory : bindings.parts) {
    RecordedPart part;
    part.memory = memory;
    program->parts_.push_back(std::move(part));
  }
  for (size_t part = 0; part < program->parts_.size(); ++part)
    TRIREME_TRY(program->record(int(part), bindings, weights));
  return program;
}

Status Program::record(int index, const ProgramBindings& bindings, WeightStore& weights) {
  RecordedPart& part = parts_[size_t(index)];
  const Part& compiled = compiled_.parts[size_t(index)];
  if (part.memory.arena->size() < compiled.arena_bytes || part.memory.step->size() < compiled_.step.bytes)
    return fail(ErrorCode::kInvalidArgument, "program", "the arena or the step buffer is smaller than planned");
  TRIREME_ASSIGN(part.list, part.memory.device->create_command_list());
  TRIREME_TRY(record_transfers(index));
  for (size_t level = 0; level < compiled.levels.size(); ++level) {
    if (level > 0) TRIREME_TRY(part.list->barrier());
    for (const NodeId node : compiled.levels[level]) {
      if (Status status = record_node(index, node, bindings, weights); !status)
        return fail(std::move(status).error(), "preparing " + compiled_.graph.op_desc(node).text());
    }
  }
  return part.list->finish();
}

Status Program::record_transfers(int index) {
  RecordedPart& part = parts_[size_t(index)];
  const Part& compiled = compiled_.parts[size_t(index)];
  bool copies = false;
  for (const Transfer& transfer : compiled.incoming) {
    const RecordedPart& source = parts_[size_t(transfer.from_part)];
    const auto bytes = uint64_t(compiled_.graph.value(transfer.value).desc.bytes());
    const BufferRange from{source.memory.arena.get(),
                           compiled_.parts[size_t(transfer.from_part)].value_offsets[transfer.value], bytes};
    const BufferRange to{part.memory.arena.get(), compiled.value_offsets[transfer.value], bytes};
    if (source.memory.device == part.memory.device) {
      TRIREME_TRY(part.list->copy(from, to));
      copies = true;
    } else if (auto import = reach(source.memory, part.memory)) {
      copies = true;
      TRIREME_TRY(part.list->copy({import->get(), from.offset, bytes}, to));
      part.imports.push_back(std::move(*import));
    } else if (import.error().code() == ErrorCode::kUnsupported) {
      if (!part.bridge) part.bridge = std::make_unique<Bridge>();
      part.bridge->copies.push_back({from, to, std::vector<std::byte>(bytes)});
    } else {
      return fail(std::move(import).error(),
                  "reaching memory of " + source.memory.device->info().id + " from " + part.memory.device->info().id);
    }
    if (std::find(part.sources.begin(), part.sources.end(), transfer.from_part) == part.sources.end())
      part.sources.push_back(transfer.from_part);
  }
  part.waits.resize(part.sources.size());
  if (part.bridge) {
    TRIREME_ASSIGN(part.bridge->done, part.memory.device->create_timeline());
    part.waits.emplace_back();
  }
  if (copies) TRIREME_TRY(part.list->barrier());
  return {};
}

Result<BufferRange> Program::range(int index, ValueId id, const ProgramBindings& bindings) const {
  const RecordedPart& part = parts_[size_t(index)];
  const Value& root = compiled_.graph.value(compiled_.graph.storage_root(id));
  const auto bytes = uint64_t(root.desc.bytes());
  if (root.kind == ValueKind::kInput) {
    const StepInput* input = compiled_.step.find(root.name);
    if (!input) return fail(ErrorCode::kInternal, root.name, "the step layout does not hold this input");
    return BufferRange{part.memory.step.get(), input->offset, bytes};
  }
  if (root.kind == ValueKind::kState) return bindings.state(index, root);
  const uint64_t offset = compiled_.parts[size_t(index)].value_offsets[id];
  if (offset == kNoOffset)
    return fail(ErrorCode::kInternal, "value " + std::to_string(id), "it has no place in the arena");
  return BufferRange{part.memory.arena.get(), offset, bytes};
}

Status Program::record_node(int index, NodeId id, const ProgramBindings& bindings, WeightStore& weights) {
  RecordedPart& part = parts_[size_t(index)];
  const graph::Node& node = compiled_.graph.node(id);
  std::vector<std::shared_ptr<const Weight>> constants;
  std::vector<BufferRange> ranges;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& value = compiled_.graph.value(node.inputs[i]);
    if (value.kind == ValueKind::kWeight || value.kind == ValueKind::kConstant) {
      const WeightUse use = weight_use(node.params, int(i)).value_or(WeightUse::kVector);
      TRIREME_ASSIGN(std::shared_ptr<const Weight> weight,
                     weights.get(part.memory.device, compiled_.graph, node.inputs[i], use));
      constants.push_back(std::move(weight));
    } else {
      TRIREME_ASSIGN(const BufferRange operand, range(index, node.inputs[i], bindings));
      ranges.push_back(operand);
    }
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (aliased_input(node.params, int(i)) >= 0) continue;
    TRIREME_ASSIGN(const BufferRange operand, range(index, node.outputs[i], bindings));
    ranges.push_back(operand);
  }
  TRIREME_ASSIGN(std::shared_ptr<const PreparedOp> op,
                 part.memory.device->prepare(compiled_.graph.op_desc(id), constants));
  if (op->workspace_bytes() > 0) {
    const uint64_t offset = compiled_.parts[size_t(index)].workspace_offsets[id];
    if (offset == kNoOffset)
      return fail(ErrorCode::kInternal, node.label, "the device asks for more workspace than it assessed");
    ranges.push_back({part.memory.arena.get(), offset, op->workspace_bytes()});
  }
  const BufferRange token_count{part.memory.step.get(), compiled_.step.token_count_offset, sizeof(int32_t)};
  const BufferRange output_count{part.memory.step.get(), compiled_.step.output_count_offset, sizeof(int32_t)};
  TRIREME_TRY(part.list->dispatch(op, {ranges, token_count, output_count}));
  part.ops.push_back(std::move(op));
  return {};
}

Result<BufferRange> Program::output(std::string_view name) const {
  const auto value = compiled_.graph.find_output(name);
  if (!value) return fail(ErrorCode::kNotFound, "output " + std::string(name), "the graph has no such output");
  const ValueId root = compiled_.graph.storage_root(*value);
  for (size_t index = parts_.size(); index-- > 0;) {
    const uint64_t offset = compiled_.parts[index].value_offsets[root];
    if (offset != kNoOffset)
      return BufferRange{parts_[index].memory.arena.get(), offset, uint64_t(compiled_.graph.value(root).desc.bytes())};
  }
  return fail(ErrorCode::kInternal, "output " + std::string(name), "no part computes it");
}

int64_t Program::launches() const {
  int64_t sum = 0;
  for (const RecordedPart& part : parts_) sum += part.list->launches();
  return sum;
}

Status Program::submit_part(int index, std::span<const std::shared_ptr<Timeline>> timelines, uint64_t value) {
  RecordedPart& part = parts_[size_t(index)];
  for (size_t i = 0; i < part.sources.size(); ++i) part.waits[i] = {timelines[size_t(part.sources[i])].get(), value};
  if (part.bridge) {
    const std::span<const TimelinePoint> sources = std::span(part.waits).first(part.sources.size());
    part.waits.back() = {part.bridge->done.get(), value};
    TRIREME_TRY(bridges_.submit([bridge = part.bridge.get()] { return bridge->run(); }, sources,
                                std::span(&part.waits.back(), 1)));
  }
  const TimelinePoint signal{timelines[size_t(index)].get(), value};
  return part.memory.device->submit(*part.list, part.waits, std::span(&signal, 1));
}

Status Program::submit(std::span<const std::shared_ptr<Timeline>> timelines, uint64_t value) {
  for (size_t index = 0; index < parts_.size(); ++index) {
    const Status status = submit_part(int(index), timelines, value);
    if (status) continue;
    for (; index < parts_.size(); ++index) timelines[index]->fail_with(status.error());
    return status;
  }
  return {};
}

}  // namespace trireme::compiler
