// Session: a model on its devices with the sequences that it is working on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compiler/program.h"
#include "runtime/kv_blocks.h"
#include "runtime/kv_storage.h"
#include "runtime/model.h"

namespace trireme::runtime {

struct SessionOptions {
  int64_t context = 0;                // tokens of one sequence; 0: as many as the model was made for
  int64_t sequences = 1;              // alive at once
  int64_t pool_tokens = 0;            // of all sequences together; 0: sequences * context
  int64_t max_rows = 512;             // of one step
  int64_t max_outputs = 0;            // rows of one step that ask for logits; 0: one a sequence
  const Format* kv_format = nullptr;  // null: what the first device prefers
  compiler::CompileOptions compile;
};

// One token of a step. Its position is the length of its sequence, counting the step's earlier rows.
struct StepRow {
  int32_t token = 0;
  SequenceId sequence = 0;
  bool output = false;
};

// The logits of the rows that asked for them, in their order. Valid until the session's next step.
struct Logits {
  std::span<const float> values;  // [rows, vocab]
  int64_t rows = 0;
  int64_t vocab = 0;
  std::span<const float> row(int64_t index) const { return values.subspan(size_t(index * vocab), size_t(vocab)); }
};

// What a session holds on one of its devices.
struct DeviceMemory {
  std::string device;
  uint64_t weight_bytes = 0;         // copies in the device's own layout
  uint64_t mapped_weight_bytes = 0;  // read in place from the model file
  uint64_t kv_bytes = 0;
  uint64_t step_bytes = 0;  // inputs and intermediate values of a step, at their peak
};

class Session {
 public:
  // Compiles the model for every step capacity and allocates all memory but the weights, which are loaded when a
  // capacity is first used (call warm_up() to load them now).
  // Errors: those of compiler::compile and Device::allocate.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, compiler::Placement placement,
                                                 const SessionOptions& options = {});

  const Model& model() const { return *model_; }
  const compiler::Placement& placement() const { return placement_; }
  int64_t context() const { return blocks_.capacity(); }
  int64_t max_rows() const { return max_rows_; }
  int64_t max_outputs() const { return max_outputs_; }

  // Loads the weights and prepares the step of `rows` rows, so that the first step does not. `loading` hears before
  // each tensor how many bytes of the model were asked for so far; an error that it returns ends the work.
  Status warm_up(int64_t rows = 1, const std::function<Status(uint64_t bytes)>& loading = {});

  // Computes a batch of tokens. When it fails no sequence has grown. After a failure of a device every step fails.
  // Errors: kInvalidArgument for a token, sequence or count that cannot be; kContextOverflow; kOutOfMemory when the
  // pool is full; the device's own.
  Result<Logits> step(std::span<const StepRow> rows);

  Result<SequenceId> create_sequence() { return blocks_.create(); }
  Status remove_sequence(SequenceId sequence) { return blocks_.remove(sequence); }
  Result<int64_t> length(SequenceId sequence) const { return blocks_.length(sequence); }
  // Forgets tokens at and past `length`.
  Status truncate(SequenceId sequence, int64_t length) { return blocks_.truncate(sequence, length); }
  // A new sequence that shares the first `length` tokens of another; they are stored once.
  Result<SequenceId> fork(SequenceId sequence, int64_t length) { return blocks_.fork(sequence, length); }

  // Writes a sequence's cache to a file, or reads one back as a new sequence, also on other devices.
  // Errors of restore: kCorruptData, or kInvalidArgument when the file belongs to another model or cache format.
  Status save(SequenceId sequence, const std::string& path) const;
  Result<SequenceId> restore(const std::string& path);

  // What a step of `rows` rows with one output does at full capacity, all devices together.
  OpCost step_cost(int64_t rows) const;

  // What one submit of a step of `rows` rows with one output starts on its devices: kernels where they run kernels,
  // else ops. Prepares the step where no such step ran yet.
  Result<int64_t> step_launches(int64_t rows);

  // Seconds that steps have waited for devices so far; what else they took is the host's.
  double waited_s() const { return waited_s_; }

  // What is allocated now, one entry a device.
  std::vector<DeviceMemory> memory() const;

 private:
  struct Part {
    compiler::PartMemory memory;
    bool owns_step = false;  // false: that of an earlier part of the device
    KvStorage kv;            // what no earlier part of the device holds
    std::shared_ptr<Timeline> timeline;
  };
  struct InputOffsets {
    uint64_t token_count, output_count, tokens, positions, sequences, slots, output_rows, block_table;
  };
  struct Variant {
    int64_t tokens = 0;
    int64_t outputs = 0;
    std::unique_ptr<compiler::CompiledGraph> compiled;  // until the program takes it
    std::unique_ptr<compiler::Program> program;
    InputOffsets inputs{};
    BufferRange logits;
    std::span<const float> mapped_logits;  // empty where the device's memory is not visible to the host
  };

  Session(std::shared_ptr<const Model> model, compiler::Placement placement, const KvBlocksShape& shape);

  compiler::WeightSource watched_source();
  Status compile_variants(const SessionOptions& options, const KvBlocksShape& shape, const Format* kv_format);
  Status check_parts() const;
  Status allocate_parts();
  const KvState* find_state(const Device& device, std::string_view name) const;
  Status prepare(Variant& variant);
  Result<Variant*> variant_for(int64_t tokens, int64_t outputs);
  Status check_rows(std::span<const StepRow> rows, int64_t& outputs) const;
  Status grow(std::span<const StepRow> rows);
  void shrink();
  static Result<InputOffsets> input_offsets(const compiler::StepLayout& layout);
  void fill_inputs(const InputOffsets& offsets, std::span<const StepRow> rows);
  Status run(Variant& variant, std::span<const StepRow> rows);

  std::shared_ptr<const Model> model_;
  compiler::Placement placement_;
  std::function<Status(uint64_t bytes)> loading_;  // during warm_up()
  uint64_t bytes_asked_for_ = 0;
  compiler::WeightStore weights_;
  KvBlocks blocks_;
  int64_t max_rows_ = 0;
  int64_t max_outputs_ = 0;
  std::vector<Part> parts_;
  std::vector<Variant> variants_;  // by tokens, then outputs
  std::vector<std::shared_ptr<Timeline>> timelines_;
  double waited_s_ = 0;
  uint64_t step_number_ = 0;
  std::optional<Error> failure_;  // of a step that its devices could not finish

  // Reused by every step, so that a step allocates nothing.
  std::vector<std::byte> staging_;
  std::vector<BlockCopy> copies_;
  std::vector<int64_t> lengths_before_;  // by sequence; -1: not in this step
  std::vector<int64_t> rows_of_;         // by sequence
  std::vector<float> logits_copy_;
};

}  // namespace trireme::runtime
