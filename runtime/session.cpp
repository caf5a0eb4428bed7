#include "runtime/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace trireme::runtime {
namespace {

constexpr std::array<int64_t, 5> kCapacities = {1, 8, 32, 128, 512};
constexpr int64_t kBlockSize = 32;
constexpr std::chrono::hours kStepTimeout{1};

int64_t capacity_for(int64_t count, int64_t most) {
  for (const int64_t capacity : kCapacities)
    if (capacity >= count) return std::min(capacity, most);
  return most;
}

Status check_options(const SessionOptions& options) {
  const auto bad = [](const char* name, int64_t value, const char* allowed) {
    return fail(ErrorCode::kInvalidArgument, name, std::to_string(value) + " is not possible",
                std::string("choose ") + allowed);
  };
  if (options.context < 0 || options.context > (int64_t{1} << 24))
    return bad("context", options.context, "0 to 16777216");
  if (options.sequences < 1 || options.sequences > 4096) return bad("sequences", options.sequences, "1 to 4096");
  if (options.max_rows < 1 || options.max_rows > kCapacities.back())
    return bad("step rows", options.max_rows, "1 to 512");
  if (options.max_outputs < 0 || options.max_outputs > options.max_rows)
    return bad("step outputs", options.max_outputs, "at most the rows of a step");
  return {};
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, compiler::Placement placement, const KvBlocksShape& shape)
    : model_(std::move(model)),
      placement_(std::move(placement)),
      weights_(watched_source()),
      blocks_(shape),
      lengths_before_(size_t(shape.sequences), -1),
      rows_of_(size_t(shape.sequences), 0) {
  copies_.reserve(size_t(shape.sequences));
}

compiler::WeightSource Session::watched_source() {
  return [this, find = model_->weight_source()](const std::string& name) -> Result<HostTensor> {
    if (loading_) TRIREME_TRY(loading_(bytes_asked_for_));
    TRIREME_ASSIGN(HostTensor tensor, find(name));
    bytes_asked_for_ += tensor.data.size();
    return tensor;
  };
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, compiler::Placement placement,
                                                 const SessionOptions& options) {
  TRIREME_TRY(check_options(options));
  TRIREME_TRY(compiler::check(placement, int(model->hyperparameters().layers)));
  const int64_t made_for = model->hyperparameters().context_length;
  const int64_t context = options.context ? options.context : made_for;
  if (context > made_for)
    spdlog::warn("context of {} tokens: the model was made for {}, and what it writes beyond them is often nonsense",
                 context, made_for);
  const int64_t pool = options.pool_tokens ? options.pool_tokens : context * options.sequences;
  KvBlocksShape shape;
  shape.block_size = kBlockSize;
  shape.sequences = options.sequences;
  shape.blocks_per_sequence = (context + kBlockSize - 1) / kBlockSize;
  shape.blocks = (pool + kBlockSize - 1) / kBlockSize;
  shape.context = context;
  if (options.pool_tokens == 0) shape.blocks = shape.blocks_per_sequence * shape.sequences;
  const Format* kv_format = options.kv_format;
  if (!kv_format) kv_format = placement.devices[size_t(placement.ranges[0].device)]->info().numeric.kv_format;
  if (!kv_format) kv_format = &formats::f32();

  std::unique_ptr<Session> session(new Session(std::move(model), std::move(placement), shape));
  session->max_rows_ = std::min(options.max_rows, session->context() * options.sequences);
  session->max_outputs_ =
      std::min(capacity_for(options.max_outputs ? options.max_outputs : options.sequences, options.max_rows),
               session->max_rows_);
  TRIREME_TRY(session->compile_variants(options, shape, kv_format));
  TRIREME_TRY(session->allocate_parts());
  for (const DeviceMemory& held : session->memory())
    spdlog::debug("{}: {} bytes of KV cache, {} bytes a step", held.device, held.kv_bytes, held.step_bytes);
  return session;
}

Status Session::compile_variants(const SessionOptions& options, const KvBlocksShape& shape, const Format* kv_format) {
  for (const int64_t capacity : kCapacities) {
    const int64_t tokens = std::min(capacity, max_rows_);
    for (const int64_t wanted : {int64_t{1}, max_outputs_}) {
      const int64_t outputs = std::min(wanted, tokens);
      const auto same = [&](const Variant& variant) { return variant.tokens == tokens && variant.outputs == outputs; };
      if (std::any_of(variants_.begin(), variants_.end(), same)) continue;
      TRIREME_ASSIGN(graph::Graph graph,
                     model_->build_graph({tokens, outputs, shape.sequences, shape.blocks_per_sequence, shape.blocks,
                                          shape.block_size, kv_format}));
      TRIREME_ASSIGN(compiler::CompiledGraph compiled,
                     compiler::compile(std::move(graph), placement_, options.compile));
      uint64_t arena_bytes = 0;
      for (const compiler::Part& part : compiled.parts) arena_bytes += part.arena_bytes;
      spdlog::debug("a step of up to {} rows and {} outputs: {} nodes, {} bytes of intermediate values", tokens,
                    outputs, compiled.graph.node_count(), arena_bytes);
      Variant variant;
      variant.tokens = tokens;
      variant.outputs = outputs;
      variant.compiled = std::make_unique<compiler::CompiledGraph>(std::move(compiled));
      variants_.push_back(std::move(variant));
    }
  }
  return {};
}

// All capacities share the parts' memory. Errors: kUnsupported when a device can do an op at one capacity alone.
Status Session::check_parts() const {
  const auto devices = [](const Variant& variant) {
    std::vector<int> found;
    for (const compiler::Part& part : variant.compiled->parts) found.push_back(part.device);
    return found;
  };
  for (const Variant& variant : variants_)
    if (devices(variant) != devices(variants_[0]))
      return fail(ErrorCode::kUnsupported, "step of " + std::to_string(variant.tokens) + " rows",
                  "its ops go to other devices than those of one row", "choose another device");
  return {};
}

const KvState* Session::find_state(const Device& device, std::string_view name) const {
  for (const Part& part : parts_) {
    const KvState* state = part.memory.device.get() == &device ? part.kv.find(name) : nullptr;
    if (state) return state;
  }
  return nullptr;
}

Status Session::allocate_parts() {
  TRIREME_TRY(check_parts());
  const compiler::CompiledGraph& first = *variants_[0].compiled;
  uint64_t step_bytes = 0;
  for (const Variant& variant : variants_) step_bytes = std::max(step_bytes, variant.compiled->step.bytes);
  staging_.resize(step_bytes);
  for (size_t index = 0; index < first.parts.size(); ++index) {
    Part part;
    part.memory.device = placement_.devices[size_t(first.parts[index].device)];
    Device& device = *part.memory.device;
    uint64_t arena_bytes = compiler::kOffsetAlignment;
    for (const Variant& variant : variants_)
      arena_bytes = std::max(arena_bytes, variant.compiled->parts[index].arena_bytes);
    // The parts of a device see the same inputs.
    const auto same = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const Part& other) { return other.memory.device.get() == &device; });
    part.owns_step = same == parts_.end();
    if (part.owns_step) {
      TRIREME_ASSIGN(part.memory.step, device.allocate(step_bytes));
    } else {
      part.memory.step = same->memory.step;
    }
    TRIREME_ASSIGN(part.memory.arena, device.allocate(arena_bytes));
    TRIREME_ASSIGN(part.timeline, device.create_timeline());
    std::vector<std::pair<std::string, TensorDesc>> states;
    for (const auto& level : first.parts[index].levels)
      for (const graph::NodeId node : level)
        for (const graph::ValueId input : first.graph.node(node).inputs) {
          const graph::Value& value = first.graph.value(input);
          if (value.kind != graph::ValueKind::kState || find_state(device, value.name)) continue;
          states.emplace_back(value.name, value.desc);
        }
    TRIREME_ASSIGN(part.kv, KvStorage::create(device, states));
    timelines_.push_back(part.timeline);
    parts_.push_back(std::move(part));
  }
  return {};
}

Status Session::prepare(Variant& variant) {
  if (variant.program) return {};
  const auto began = std::chrono::steady_clock::now();
  compiler::ProgramBindings bindings;
  for (const Part& part : parts_) bindings.parts.push_back(part.memory);
  bindings.state = [this](int part, const graph::Value& state) -> Result<BufferRange> {
    const KvState* found = find_state(*parts_[size_t(part)].memory.device, state.name);
    if (!found) return fail(ErrorCode::kInternal, state.name, "the part's device does not hold this state");
    return found->range;
  };
  TRIREME_ASSIGN(variant.program, compiler::Program::create(*variant.compiled, bindings, weights_));
  variant.compiled.reset();
  TRIREME_ASSIGN(variant.inputs, input_offsets(variant.program->step()));
  TRIREME_ASSIGN(variant.logits, variant.program->output("logits"));
  if (auto mapped = variant.logits.buffer->map()) {
    const auto* values = reinterpret_cast<const float*>(mapped->data() + variant.logits.offset);
    variant.mapped_logits = {values, variant.logits.bytes / sizeof(float)};
  } else {
    logits_copy_.resize(std::max(logits_copy_.size(), size_t(variant.logits.bytes / sizeof(float))));
  }
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - began;
  spdlog::debug("a step of up to {} rows prepared in {:.0f} ms", variant.tokens, taken.count());
  return {};
}

Result<Session::Variant*> Session::variant_for(int64_t tokens, int64_t outputs) {
  for (Variant& variant : variants_) {
    if (variant.tokens < tokens || variant.outputs < outputs) continue;
    TRIREME_TRY(prepare(variant));
    return &variant;
  }
  return fail(ErrorCode::kInternal, "step", "no capacity fits it");
}

Status Session::warm_up(int64_t rows, const std::function<Status(uint64_t bytes)>& loading) {
  loading_ = loading;
  const Result<Variant*> variant = variant_for(std::clamp(rows, int64_t{1}, max_rows_), 1);
  loading_ = nullptr;
  if (!variant) return fail(variant.error());
  return {};
}

Status Session::check_rows(std::span<const StepRow> rows, int64_t& outputs) const {
  if (rows.empty() || int64_t(rows.size()) > max_rows_)
    return fail(ErrorCode::kInvalidArgument, "step",
                "it has " + std::to_string(rows.size()) + " rows, allowed are 1 to " + std::to_string(max_rows_));
  outputs = 0;
  for (const StepRow& row : rows) {
    if (row.token < 0 || row.token >= model_->hyperparameters().vocab)
      return fail(ErrorCode::kInvalidArgument, "token " + std::to_string(row.token),
                  "the vocabulary has " + std::to_string(model_->hyperparameters().vocab) + " entries");
    TRIREME_TRY(blocks_.length(row.sequence));
    outputs += row.output;
  }
  if (outputs > max_outputs_)
    return fail(ErrorCode::kInvalidArgument, "step",
                std::to_string(outputs) + " rows ask for logits, at most " + std::to_string(max_outputs_) + " may",
                "open the session with more outputs");
  return {};
}

Status Session::grow(std::span<const StepRow> rows) {
  std::fill(rows_of_.begin(), rows_of_.end(), 0);
  std::fill(lengths_before_.begin(), lengths_before_.end(), -1);
  copies_.clear();
  for (const StepRow& row : rows) ++rows_of_[size_t(row.sequence)];
  Status status;
  for (size_t sequence = 0; sequence < rows_of_.size() && status; ++sequence) {
    if (rows_of_[sequence] == 0) continue;
    TRIREME_ASSIGN(const int64_t before, blocks_.length(SequenceId(sequence)));
    status = blocks_.append(SequenceId(sequence), rows_of_[sequence], copies_);
    if (status) lengths_before_[sequence] = before;
  }
  // Also after a failure: a sequence that was given a copy of a shared block reads the copy from now on.
  for (const BlockCopy& copy : copies_)
    for (Part& part : parts_) TRIREME_TRY(part.kv.copy_block(copy));
  return status;
}

void Session::shrink() {
  for (size_t sequence = 0; sequence < lengths_before_.size(); ++sequence)
    if (lengths_before_[sequence] >= 0) (void)blocks_.truncate(SequenceId(sequence), lengths_before_[sequence]);
}

Result<Session::InputOffsets> Session::input_offsets(const compiler::StepLayout& layout) {
  InputOffsets offsets;
  offsets.token_count = layout.token_count_offset;
  offsets.output_count = layout.output_count_offset;
  const std::pair<const char*, uint64_t*> inputs[] = {
      {"tokens", &offsets.tokens}, {"positions", &offsets.positions},     {"sequences", &offsets.sequences},
      {"slots", &offsets.slots},   {"output_rows", &offsets.output_rows}, {"block_table", &offsets.block_table}};
  for (const auto& [name, offset] : inputs) {
    const compiler::StepInput* input = layout.find(name);
    if (!input) return fail(ErrorCode::kInternal, name, "the model's graph does not have this input");
    *offset = input->offset;
  }
  return offsets;
}

void Session::fill_inputs(const InputOffsets& offsets, std::span<const StepRow> rows) {
  const auto at = [&](uint64_t offset) { return reinterpret_cast<int32_t*>(staging_.data() + offset); };
  int32_t* tokens = at(offsets.tokens);
  int32_t* positions = at(offsets.positions);
  int32_t* sequences = at(offsets.sequences);
  int32_t* slots = at(offsets.slots);
  int32_t* output_rows = at(offsets.output_rows);
  int32_t outputs = 0;
  std::fill(rows_of_.begin(), rows_of_.end(), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    const StepRow& row = rows[i];
    const int64_t position = lengths_before_[size_t(row.sequence)] + rows_of_[size_t(row.sequence)]++;
    tokens[i] = row.token;
    positions[i] = int32_t(position);
    sequences[i] = row.sequence;
    slots[i] = blocks_.slot(row.sequence, position);
    if (row.output) output_rows[outputs++] = int32_t(i);
  }
  *at(offsets.token_count) = int32_t(rows.size());
  *at(offsets.output_count) = outputs;
  std::memcpy(at(offsets.block_table), blocks_.table().data(), blocks_.table().size_bytes());
}

Status Session::run(Variant& variant, std::span<const StepRow> rows) {
  fill_inputs(variant.inputs, rows);
  const std::span<const std::byte> inputs = std::span(staging_).first(variant.program->step().bytes);
  for (Part& part : parts_)
    if (part.owns_step) TRIREME_TRY(part.memory.step->write(0, inputs));
  const uint64_t number = ++step_number_;
  Status status = variant.program->submit(timelines_, number);
  const auto submitted = std::chrono::steady_clock::now();
  // Also after a failure: lists that are still under way use memory and timelines that may then be freed.
  for (const auto& timeline : timelines_) {
    Status ended = timeline->wait(number, kStepTimeout);
    if (ended) continue;
    if (status) status = std::move(ended);
    if (status.error().code() == ErrorCode::kTimeout) break;
  }
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - submitted).count();
  // A timeline that failed stays so, and no longer tells when a list is over.
  if (!status) failure_ = status.error();
  return status;
}

Result<Logits> Session::step(std::span<const StepRow> rows) {
  if (failure_) return fail(*failure_, "an earlier step of the session");
  int64_t outputs = 0;
  TRIREME_TRY(check_rows(rows, outputs));
  TRIREME_ASSIGN(Variant* const variant, variant_for(int64_t(rows.size()), outputs));
  Status status = grow(rows);
  if (status) status = run(*variant, rows);
  if (!status) {
    shrink();
    return fail(std::move(status).error());
  }
  const int64_t vocab = model_->hyperparameters().vocab;
  const auto count = size_t(outputs * vocab);
  if (!variant->mapped_logits.empty()) return Logits{variant->mapped_logits.first(count), outputs, vocab};
  const std::span<float> copy = std::span(logits_copy_).first(count);
  TRIREME_TRY(variant->logits.buffer->read(variant->logits.offset, std::as_writable_bytes(copy)));
  return Logits{copy, outputs, vocab};
}

OpCost Session::step_cost(int64_t rows) const {
  OpCost total;
  for (const Variant& variant : variants_) {
    if (variant.tokens < std::min(rows, max_rows_)) continue;
    const compiler::CompiledGraph& compiled = variant.program ? variant.program->compiled() : *variant.compiled;
    for (const compiler::Part& part : compiled.parts) {
      total.multiply_adds += part.cost.multiply_adds;
      total.bytes_moved += part.cost.bytes_moved;
      total.weight_bytes += part.cost.weight_bytes;
      total.mapped_weight_bytes += part.cost.mapped_weight_bytes;
      total.workspace_bytes = std::max(total.workspace_bytes, part.cost.workspace_bytes);
    }
    break;
  }
  return total;
}

Result<int64_t> Session::step_launches(int64_t rows) {
  TRIREME_ASSIGN(const Variant* const variant, variant_for(rows, 1));
  return variant->program->launches();
}

std::vector<DeviceMemory> Session::memory() const {
  std::vector<DeviceMemory> report;
  for (const Part& part : parts_) {
    const std::string& id = part.memory.device->info().id;
    auto entry =
        std::find_if(report.begin(), report.end(), [&](const DeviceMemory& held) { return held.device == id; });
    if (entry == report.end()) {
      const compiler::WeightStore::Bytes weights = weights_.bytes(*part.memory.device);
      entry = report.insert(entry, {id, weights.copied, weights.mapped, 0, 0});
    }
    entry->kv_bytes += part.kv.bytes();
    entry->step_bytes += part.memory.arena->size() + (part.owns_step ? part.memory.step->size() : 0);
  }
  return report;
}

}  // namespace trireme::runtime
