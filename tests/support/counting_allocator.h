// Replaces the allocator of a test program by one that counts.
#pragma once

#include <cstdint>

namespace trireme::testing_support {

// Allocations by any thread since the program began.
int64_t allocation_count();

}  // namespace trireme::testing_support
