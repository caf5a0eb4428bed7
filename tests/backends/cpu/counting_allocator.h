// Replaces the allocator of a test program by one that counts.
#pragma once

#include <cstdint>

namespace trireme::cpu {

// Allocations by any thread since the program began.
int64_t allocation_count();

}  // namespace trireme::cpu
