// Chance: failures and delays from a seed.
#pragma once

#include "backends/opencl/library.h"

#include <mutex>

#include "tests/opencl_double/control.h"

namespace trireme::opencl_double {

class Chance {
 public:
  void set(const OpenClDoubleChance& settings);
  // Sleeps, or not.
  void delay();
  // CL_SUCCESS, or what a driver in trouble answers.
  cl_int call_failure();
  cl_int command_failure();
  uint64_t failures() const;

 private:
  uint64_t draw();
  cl_int failure(double OpenClDoubleChance::*probability);

  mutable std::mutex mutex_;  // guards what follows
  OpenClDoubleChance settings_{};
  uint64_t state_ = 0;
  uint64_t failures_ = 0;
};

}  // namespace trireme::opencl_double
