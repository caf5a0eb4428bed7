// The engine of the accelerator: a CPU device of the drivers on this machine computes for it.
#pragma once

#include "tests/opencl_double/objects.h"

namespace trireme::opencl_double {

// One for each context. Null with a code where the machine has no such device.
std::shared_ptr<Engine> forwarding_engine(cl_int& code);

}  // namespace trireme::opencl_double
