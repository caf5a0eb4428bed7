// Device: one processor with its memory. Every backend gives an implementation; hal/validation.h decorates any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "hal/buffer.h"
#include "hal/command_list.h"
#include "hal/ops.h"
#include "hal/prepared.h"
#include "hal/timeline.h"

namespace trireme {

// How a device computes floats: what the conformance intervals and the graph's formats are derived from.
struct NumericTraits {
  bool fused_multiply_add = false;       // products and sums are contracted
  double accumulator_epsilon = 0x1p-24;  // unit roundoff of sums of products
  double activation_epsilon = 0;         // unit roundoff of what float matmuls see of activations; 0: f32 as it is
  const Format* kv_format = nullptr;     // what a KV cache is stored in unless the user says otherwise
};

struct MemoryHeap {
  std::string name;  // "system"
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // when asked
};

// Measured by the device itself when first asked, over at most some tens of milliseconds.
struct MeasuredSpeed {
  double read_bytes_per_s = 0;
  double multiply_adds_per_s = 0;  // f32
  double launch_s = 0;             // host seconds that one more recorded op costs
};

struct DeviceInfo {
  std::string id;            // "cpu:0"
  std::string name;          // the product's name
  std::string driver;        // library and version that runs it
  int threads = 0;           // for devices that compute on host threads
  bool host_memory = false;  // buffers are ordinary memory of this process
  bool software = false;     // an emulated accelerator: never chosen unasked
  NumericTraits numeric;
  std::vector<std::string> features;  // "avx2", "avx512_vnni": what the kernels in use were chosen by
};

struct OpCost {
  double multiply_adds = 0;
  uint64_t bytes_moved = 0;
  uint64_t workspace_bytes = 0;      // scratch that a recorded op needs while it runs
  uint64_t weight_bytes = 0;         // constants in the device's own layout
  uint64_t mapped_weight_bytes = 0;  // constants that are read in place, where they come from
};
struct Unsupported {
  std::string reason;  // completes "device cannot do <op>: "
};
using Assessment = std::variant<OpCost, Unsupported>;

class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  virtual std::vector<MemoryHeap> memory() const = 0;
  // Memory that prepare_weight() takes besides and gives back, at most.
  virtual uint64_t loading_bytes() const { return 0; }
  virtual MeasuredSpeed measure_speed() = 0;

  // Judges ops before any weight is loaded, one answer for each.
  virtual std::vector<Assessment> assess(std::span<const OpDesc> ops) const = 0;

  // Errors: kOutOfMemory; the contents of new buffers are unspecified.
  virtual Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) = 0;
  // Wraps host memory without a copy; it must outlive the buffer. kUnsupported where the device cannot.
  virtual Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) = 0;

  // Brings a constant into the layout that ops with this use read. Data is only read during the call unless the
  // result's keeps_source() says otherwise.
  virtual Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) = 0;
  // Constants are the op's constant inputs in their order. Errors: kUnsupported, as assess() would have said.
  virtual Result<std::shared_ptr<const PreparedOp>> prepare(
      const OpDesc& op, std::span<const std::shared_ptr<const Weight>> constants) = 0;

  virtual Result<std::unique_ptr<CommandList>> create_command_list() = 0;
  virtual Result<std::shared_ptr<Timeline>> create_timeline() = 0;

  // Runs a finished list after all waits are met, then signals. Lists of one device run in the order of submission.
  // The list, its operands and the timelines must stay alive until the signals arrive, and the list may be submitted
  // again only then. A failure while running fails the signalled timelines. Errors: kInvalidArgument when the list is
  // not finished or a timeline is foreign.
  virtual Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                        std::span<const TimelinePoint> signals) = 0;
};

}  // namespace trireme
