// Speed as this device's own loops reach it.
#pragma once

#include "hal/device.h"

namespace trireme::reference {

// Takes some tens of milliseconds, on the calling thread. All zero when the device cannot run the probe.
MeasuredSpeed measure_speed(Device& device);

}  // namespace trireme::reference
