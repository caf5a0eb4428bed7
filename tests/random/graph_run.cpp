#include <algorithm>
#include <chrono>
#include <cstring>

#include "compiler/program.h"
#include "tests/random/graph_case.h"

namespace trireme::random {

using graph::Graph;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

namespace {

constexpr std::chrono::seconds kGraphPatience{120};

Result<std::shared_ptr<Buffer>> filled(Device& device, const Bytes& bytes) {
  TRIREME_ASSIGN(auto buffer, device.allocate(std::max<uint64_t>(bytes.size(), 1)));
  TRIREME_TRY(buffer->write(0, bytes));
  return buffer;
}

compiler::WeightSource weights_of(const GraphCase& test) {
  return [&](const std::string& name) -> Result<HostTensor> {
    const auto id = test.graph.find(name);
    if (!id) return fail(ErrorCode::kInternal, name, "the graph has no such weight");
    HostTensor tensor{test.graph.value(*id).desc, test.contents.at(name), {}, name};
    if (const auto planes = test.planes.find(name); planes != test.planes.end())
      for (const Bytes& plane : planes->second) tensor.planes.push_back(plane);
    return tensor;
  };
}

Bytes step_bytes(const compiler::StepLayout& layout, const GraphCase& test) {
  Bytes bytes(layout.bytes);
  std::memcpy(bytes.data() + layout.token_count_offset, &test.token_count, sizeof(int32_t));
  std::memcpy(bytes.data() + layout.output_count_offset, &test.output_count, sizeof(int32_t));
  for (const compiler::StepInput& input : layout.inputs)
    std::ranges::copy(test.contents.at(input.name), bytes.begin() + std::ptrdiff_t(input.offset));
  return bytes;
}

Result<Bytes> read(const BufferRange& range) {
  Bytes bytes(range.bytes);
  TRIREME_TRY(range.buffer->read(range.offset, bytes));
  return bytes;
}

}  // namespace

Result<Run> run(const std::shared_ptr<Device>& device, const std::shared_ptr<Device>& fallback, const GraphCase& test,
                const compiler::CompileOptions& options) {
  compiler::Placement placement = compiler::Placement::on(device, 0);
  placement.devices.push_back(fallback);
  placement.fallback = 1;
  TRIREME_ASSIGN(auto compiled, compiler::compile(test.graph, placement, options));
  compiler::WeightStore weights(weights_of(test));
  const Bytes step = step_bytes(compiled.step, test);
  Run made;
  compiler::ProgramBindings bindings;
  std::vector<std::shared_ptr<Timeline>> timelines;
  for (const compiler::Part& part : compiled.parts) {
    compiler::PartMemory memory{placement.devices[size_t(part.device)], nullptr, nullptr};
    made.fell_back = made.fell_back || part.device == placement.fallback;
    TRIREME_ASSIGN(memory.step, filled(*memory.device, step));
    // As garbage as memory that other steps used.
    TRIREME_ASSIGN(memory.arena, filled(*memory.device, Bytes(part.arena_bytes, conformance::kUntouched)));
    TRIREME_ASSIGN(auto timeline, memory.device->create_timeline());
    timelines.push_back(std::move(timeline));
    bindings.parts.push_back(std::move(memory));
  }
  std::map<std::string, std::pair<Device*, std::shared_ptr<Buffer>>> states;
  bindings.state = [&](int part, const Value& value) -> Result<BufferRange> {
    auto& [owner, buffer] = states[value.name];
    Device* const asking = bindings.parts[size_t(part)].device.get();
    if (owner && owner != asking) return fail(ErrorCode::kInternal, value.name, "two devices ask for this state");
    owner = asking;
    if (!buffer) {
      TRIREME_ASSIGN(buffer, filled(*asking, test.contents.at(value.name)));
    }
    return BufferRange{buffer.get(), 0, uint64_t(value.desc.bytes())};
  };
  TRIREME_ASSIGN(const auto program, compiler::Program::create(std::move(compiled), bindings, weights));
  TRIREME_TRY(program->submit(timelines, 1));
  for (const auto& timeline : timelines) TRIREME_TRY(timeline->wait(1, kGraphPatience));
  for (const graph::Output& output : test.graph.outputs()) {
    TRIREME_ASSIGN(const BufferRange range, program->output(output.name));
    TRIREME_ASSIGN(made.results[output.name], read(range));
  }
  for (const auto& [name, state] : states) {
    TRIREME_ASSIGN(made.results[name], read({state.second.get(), 0, test.contents.at(name).size()}));
  }
  return made;
}

}  // namespace trireme::random
