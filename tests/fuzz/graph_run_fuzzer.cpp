// Whatever graph a text holds, when the verifier passes it, it compiles and runs on the reference, fused or not, or is
// refused with one line that blames no part of the program.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "backends/reference/backend.h"
#include "compiler/program.h"
#include "graph/text.h"
#include "graph/verifier.h"

namespace {

using namespace trireme;
using graph::Graph;
using graph::Value;
using graph::ValueKind;

constexpr size_t kMostNodes = 64;
constexpr int64_t kMostElements = 1 << 14;  // of one value: the reference multiplies in the time of their squares
constexpr int kMostLayers = 64;
constexpr auto kStepTimeout = std::chrono::seconds(60);

template <typename T>
bool worked(const Result<T>& result) {
  if (result) return true;
  const Error& error = result.error();
  if (error.code() == ErrorCode::kInternal || error.message().find('\n') != std::string::npos) std::abort();
  return false;
}

template <typename T>
T require(Result<T> result) {
  if (!result) std::abort();
  return std::move(*result);
}

// Empty when the graph is too large to be worth a run.
std::optional<int> count_layers(const Graph& graph) {
  int layers = 0;
  if (graph.node_order().size() > kMostNodes) return std::nullopt;
  for (graph::ValueId id = 0; id < graph.value_count(); ++id)
    if (graph.value(id).desc.shape.elements() > kMostElements) return std::nullopt;
  for (const graph::NodeId id : graph.node_order()) layers = std::max(layers, graph.node(id).layer);
  return layers <= kMostLayers ? std::optional(layers) : std::nullopt;
}

// Rows of a domain that every value of the graph has room for.
int32_t common_rows(const Graph& graph, RowDomain domain) {
  int64_t rows = kMostElements;
  for (graph::ValueId id = 0; id < graph.value_count(); ++id) {
    const TensorDesc& desc = graph.value(id).desc;
    if (!graph.value(id).erased && desc.rows == domain && desc.shape.rank() > 0) rows = std::min(rows, desc.shape[0]);
  }
  return static_cast<int32_t>(rows);
}

class Memory {
 public:
  explicit Memory(Device& device) : device_(device) {}

  std::shared_ptr<Buffer> filled(uint64_t bytes, std::byte value) {
    const std::vector<std::byte> data(bytes, value);
    auto buffer = require(device_.allocate(std::max<uint64_t>(bytes, 1)));
    if (!buffer->write(0, data)) std::abort();
    return buffer;
  }
  Result<BufferRange> state(const Value& value) {
    const auto bytes = static_cast<uint64_t>(value.desc.bytes());
    auto [found, is_new] = states_.try_emplace(value.name);
    if (is_new) found->second = filled(bytes, std::byte{0});
    return BufferRange{found->second.get(), 0, bytes};
  }

 private:
  Device& device_;
  std::map<std::string, std::shared_ptr<Buffer>> states_;
};

// Weights whose bytes are small numbers in every float format.
compiler::WeightSource weights_of(const Graph& graph, std::map<std::string, std::vector<std::byte>>& storage) {
  return [&](const std::string& name) -> Result<HostTensor> {
    const auto id = graph.find(name);
    if (!id) return fail(ErrorCode::kInternal, name, "the graph had no such weight");
    const TensorDesc& desc = graph.value(*id).desc;
    std::vector<std::byte>& data = storage[name];
    data.assign(static_cast<size_t>(desc.bytes()), desc.format == &formats::i32() ? std::byte{0} : std::byte{0x3c});
    return HostTensor{desc, data, {}, name};
  };
}

void run(const Graph& graph, int layers, const std::shared_ptr<Device>& device,
         const compiler::CompileOptions& options) {
  auto compiled = compiler::compile(graph, compiler::Placement::on(device, layers), options);
  if (!worked(compiled)) return;
  std::map<std::string, std::vector<std::byte>> storage;
  compiler::WeightStore weights(weights_of(graph, storage));
  Memory memory(*device);
  // Ids, positions and slots are the session's to choose; 0 is one that every step may have.
  const auto step = memory.filled(compiled->step.bytes, std::byte{0});
  const int32_t counts[] = {common_rows(graph, RowDomain::kTokens), common_rows(graph, RowDomain::kOutputs)};
  if (!step->write(compiled->step.token_count_offset, std::as_bytes(std::span(counts).first(1))) ||
      !step->write(compiled->step.output_count_offset, std::as_bytes(std::span(counts).last(1))))
    std::abort();
  compiler::ProgramBindings bindings;
  for (const compiler::Part& part : compiled->parts)
    bindings.parts.push_back({device, step, memory.filled(part.arena_bytes, std::byte{0})});
  bindings.state = [&](int, const Value& value) { return memory.state(value); };
  auto program = compiler::Program::create(std::move(*compiled), bindings, weights);
  if (!worked(program)) return;
  const std::vector<std::shared_ptr<Timeline>> timelines(bindings.parts.size(), require(device->create_timeline()));
  if (!(*program)->submit(timelines, 1)) std::abort();
  for (const auto& timeline : timelines) {
    const Status finished = timeline->wait(1, kStepTimeout);
    if (!finished && finished.error().code() == ErrorCode::kInternal) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<Device> device = require(reference::create_backend()->open(0, {.threads = 1}));
  const auto graph = graph::parse({reinterpret_cast<const char*>(data), size});
  if (!graph || !graph::verify(*graph)) return 0;
  const std::optional<int> layers = count_layers(*graph);
  if (!layers) return 0;
  run(*graph, *layers, device, {});
  run(*graph, *layers, device, {.fuse = false, .quantize_activations = false});
  return 0;
}
