// Models on the test double's devices.
#pragma once

#include <functional>

#include "runtime/session.h"
#include "tests/support/greedy.h"

namespace trireme::opencl_double {

using testing_support::expect_recorded_ids;
using testing_support::greedy;
using testing_support::greedy_on;
using testing_support::open_model;
using testing_support::small_session;

// Opens "opencl:INDEX" of the double. Kernels are kept in a folder of this process, so that opening it often is quick.
Result<std::shared_ptr<Device>> open_double(int index);

// Runs under hundreds of seeds. Each run gives what it should, or an error that says what failed; whatever happens, no
// rule of OpenCL is broken and nothing is left behind.
void expect_errors_by_chance(const std::vector<int32_t>& expected,
                             const std::function<Result<std::vector<int32_t>>()>& run);

}  // namespace trireme::opencl_double
