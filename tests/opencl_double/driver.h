// Driver: all that the test double knows between two calls.
#pragma once

#include <string>
#include <vector>

#include "tests/opencl_double/chance.h"
#include "tests/opencl_double/handle_table.h"
#include "tests/opencl_double/objects.h"

namespace trireme::opencl_double {

class Driver {
 public:
  Driver();

  Chance& chance() { return chance_; }
  static cl_platform_id platform();
  std::vector<std::shared_ptr<Device>>& devices() { return devices_; }
  Device* find(cl_device_id handle) const;

  // Notes that a call breaks a rule, and gives its code.
  cl_int violation(cl_int code, const char* call, const std::string& what);
  size_t take_violations(std::string& first);
  size_t live_objects() const;

  HandleTable<cl_context, Context> contexts;
  HandleTable<cl_command_queue, CommandQueue> queues;
  HandleTable<cl_mem, Buffer> buffers;
  HandleTable<cl_program, Program> programs;
  HandleTable<cl_kernel, Kernel> kernels;
  HandleTable<cl_event, Event> events;

 private:
  Chance chance_;
  std::vector<std::shared_ptr<Device>> devices_;
  std::mutex mutex_;  // guards what follows
  size_t violation_count_ = 0;
  std::string first_violation_;
};

// OpenCL's functions have no other place for it.
Driver& driver();

// Delays, and gives CL_SUCCESS or a failure by chance: the first thing in each call.
cl_int begin_call();
// Stores the code where a call has a place for it.
void store(cl_int* place, cl_int code);

}  // namespace trireme::opencl_double
