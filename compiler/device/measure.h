// measure: what a device does in a second, through its own ops.
#pragma once

#include "hal/device.h"

namespace trireme::compiler {

// Runs some ops over a few dozen MB; with kernels to build, longer. Zeros where an op fails.
MeasuredSpeed measure(Device& device);

}  // namespace trireme::compiler
