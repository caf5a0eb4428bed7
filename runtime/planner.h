// Planner: chooses the placement of a model's layers, and says why.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/placement.h"
#include "runtime/model.h"

namespace trireme::runtime {

// A device that may be used, and the bytes that the plan may take of it.
struct PlanDevice {
  std::shared_ptr<Device> device;
  std::optional<uint64_t> budget;  // unset: the free bytes of its heaps
};

struct PlanOptions {
  int64_t context = 0;  // tokens of one sequence; 0: as many as the model was made for
  int64_t sequences = 1;
  const Format* kv_format = nullptr;  // null: what the first device prefers
  // May do the ops that a layer's device can't: one of the others, or one that gets no layers.
  std::optional<PlanDevice> fallback = {};
};

// What a device does: layers, and as the last of a plan the ops of other devices' layers that they can't do.
struct PlannedRange {
  int first_layer = -1;  // -1 the embedding, the number of layers the head
  int last_layer = -1;
  std::string device;
  uint64_t weight_bytes = 0;  // in the device's own layout, or in place in the model file
  uint64_t kv_bytes = 0;
  uint64_t step_bytes = 0;  // inputs and intermediate values at their peak
  uint64_t budget_bytes = 0;
  std::string reason;
};

struct Plan {
  compiler::Placement placement;
  std::vector<PlannedRange> ranges;
};

// Splits the layers over the devices, in their order, in proportion to their budgets; a device for which no layer is
// left gets none. Errors: kOutOfMemory naming the device, what is missing and what would fit; kInvalidArgument without
// a device.
Result<Plan> plan_placement(const Model& model, std::vector<PlanDevice> devices, const PlanOptions& options = {});

}  // namespace trireme::runtime
