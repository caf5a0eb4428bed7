#include "compiler/placement.h"

namespace trireme::compiler {

Placement Placement::on(std::shared_ptr<Device> device, int layers) {
  Placement placement;
  placement.devices.push_back(std::move(device));
  placement.ranges.push_back({-1, layers, 0});
  return placement;
}

Status check(const Placement& placement, int layers) {
  int next = -1;
  for (const LayerRange& range : placement.ranges) {
    if (range.first != next || range.last < range.first)
      return fail(ErrorCode::kInvalidArgument, "placement",
                  "layers " + std::to_string(range.first) + " to " + std::to_string(range.last) + " were given where " +
                      std::to_string(next) + " comes next");
    if (range.device < 0 || size_t(range.device) >= placement.devices.size() ||
        !placement.devices[size_t(range.device)])
      return fail(ErrorCode::kInvalidArgument, "placement",
                  "device " + std::to_string(range.device) + " is not in the list");
    next = range.last + 1;
  }
  if (placement.fallback < -1 || placement.fallback >= int(placement.devices.size()) ||
      (placement.fallback >= 0 && !placement.devices[size_t(placement.fallback)]))
    return fail(ErrorCode::kInvalidArgument, "placement",
                "fallback " + std::to_string(placement.fallback) + " is not in the list of devices");
  if (next != layers + 1)
    return fail(ErrorCode::kInvalidArgument, "placement",
                "it ends before layer " + std::to_string(next) + " of " + std::to_string(layers));
  return {};
}

}  // namespace trireme::compiler
