// What all clEnqueue... calls have in common.
#pragma once

#include "tests/opencl_double/driver.h"

namespace trireme::opencl_double {

struct EnqueueOptions {
  cl_uint wait_count = 0;
  const cl_event* waits = nullptr;
  cl_event* event = nullptr;
  bool blocking = false;
};

// Adds a command, and waits for it where the call blocks.
cl_int enqueue(const char* call, const std::shared_ptr<CommandQueue>& queue, const EnqueueOptions& options,
               std::function<cl_int()> run);

}  // namespace trireme::opencl_double
