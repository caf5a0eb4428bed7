// Short measurements of what the device can do at best.
#pragma once

#include "backends/cpu/thread_pool.h"
#include "hal/device.h"

namespace trireme::cpu {

// Takes some tens of milliseconds and 64 MB. Zeros when that memory is not there.
MeasuredSpeed measure_speed(ThreadPool& pool);

}  // namespace trireme::cpu
