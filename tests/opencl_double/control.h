// What tests ask of the OpenCL test double beyond OpenCL itself. They find these functions by name in the library.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct OpenClDoubleChance {
  uint64_t seed;
  double call_failure;     // probability that a call fails
  double command_failure;  // that a command fails while it runs, and with it its context
  double delay;            // that a call or a command takes its time
  uint32_t longest_us;     // of a delay
};

// From now on; numbers are drawn anew from the seed. At first nothing fails and nothing is delayed.
void trireme_opencl_double_set_chance(const OpenClDoubleChance* chance);
// Calls and commands that failed by chance since it was set.
uint64_t trireme_opencl_double_failures();
// How many calls broke OpenCL's rules since this was last asked; `first` gets the text of the first of them.
size_t trireme_opencl_double_take_violations(char* first, size_t bytes);
// Objects that were made and not yet released.
size_t trireme_opencl_double_live_objects();

}  // extern "C"
