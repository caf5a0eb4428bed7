// Placement: which device computes which layers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hal/device.h"

namespace trireme::compiler {

// Layers first..last inclusive, numbered as in graph::Node::layer: -1 the embedding, 0 .. L-1, L the head.
struct LayerRange {
  int first = -1;
  int last = -1;
  int device = 0;  // index into Placement::devices
};

// The ranges are in order, without gap or overlap, from -1 to L.
struct Placement {
  std::vector<std::shared_ptr<Device>> devices;
  std::vector<LayerRange> ranges;
  int fallback = -1;  // index into devices of the one that does the ops which a range's device can't; -1: none may

  // Everything on one device.
  static Placement on(std::shared_ptr<Device> device, int layers);
};

// Errors: kInvalidArgument naming the gap, overlap or device that is wrong.
Status check(const Placement& placement, int layers);

}  // namespace trireme::compiler
