// Program: a compiled graph, prepared and recorded on its devices, ready to be submitted once a step.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "compiler/compile.h"
#include "compiler/weight_store.h"
#include "hal/host_queue.h"

namespace trireme::compiler {

// The memory that a program runs in. It outlives the program and may be shared with programs that never run at the
// same time.
struct PartMemory {
  std::shared_ptr<Device> device;
  std::shared_ptr<Buffer> step;   // at least StepLayout::bytes
  std::shared_ptr<Buffer> arena;  // at least Part::arena_bytes
};

struct ProgramBindings {
  std::vector<PartMemory> parts;  // as CompiledGraph::parts
  // The storage of a kState value on the part that uses it.
  std::function<Result<BufferRange>(int part, const graph::Value& state)> state;
};

class Program {
 public:
  // Loads the weights that are not loaded yet, prepares every op and records one command list a part.
  static Result<std::unique_ptr<Program>> create(CompiledGraph compiled, const ProgramBindings& bindings,
                                                 WeightStore& weights);

  // What one submission of all parts starts on their devices.
  int64_t launches() const;

  const StepLayout& step() const { return compiled_.step; }
  const CompiledGraph& compiled() const { return compiled_; }

  // Where an output of the graph is after a step, and the timeline that says so.
  Result<BufferRange> output(std::string_view name) const;

  // Submits every part; part i signals timelines[i] with `value` after it has waited for the parts before it. When it
  // fails, so do the timelines of the parts that it did not submit.
  Status submit(std::span<const std::shared_ptr<Timeline>> timelines, uint64_t value);

 private:
  // Carries values between devices through host memory while the caller goes on.
  struct Bridge {
    struct Copy {
      BufferRange from;
      BufferRange to;
      std::vector<std::byte> bytes;
    };
    std::vector<Copy> copies;
    std::shared_ptr<Timeline> done;  // of the part's device

    Status run();
  };
  struct RecordedPart {
    PartMemory memory;
    std::vector<std::shared_ptr<const PreparedOp>> ops;
    std::vector<std::shared_ptr<Buffer>> imports;  // other parts' arenas, as this part's device sees them
    std::unique_ptr<CommandList> list;
    std::vector<int> sources;          // parts that it waits for
    std::vector<TimelinePoint> waits;  // one a source, filled at each submit
    std::unique_ptr<Bridge> bridge;    // for values of devices whose memory its own device does not reach
  };

  explicit Program(CompiledGraph compiled) : compiled_(std::move(compiled)) {}

  Status submit_part(int part, std::span<const std::shared_ptr<Timeline>> timelines, uint64_t value);
  Status record(int part, const ProgramBindings& bindings, WeightStore& weights);
  Status record_transfers(int part);
  Status record_node(int part, graph::NodeId node, const ProgramBindings& bindings, WeightStore& weights);
  Result<BufferRange> range(int part, graph::ValueId value, const ProgramBindings& bindings) const;

  CompiledGraph compiled_;
  std::vector<RecordedPart> parts_;
  HostQueue bridges_;  // runs them in the order of their parts; ends before these
};

}  // namespace trireme::compiler
