// What this machine's processor and memory are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trireme::cpu {

inline constexpr std::string_view kDeviceId = "cpu:0";

// The product's name as the operating system gives it, else the architecture's.
std::string processor_name();

// Libraries that compute: "Highway 1.0.3, oneDNN 2.6.3".
std::string driver_text();

// First the Highway target that the kernels in use were compiled for ("avx3"), then further instruction sets that
// they make use of ("avx512_vnni").
std::vector<std::string> kernel_features();

// Whether the processor multiplies bf16 and the operating system lets it.
bool has_native_bf16();

// Whether the kernels in use contract products and sums.
bool kernels_fuse_multiply_add();

struct SystemMemory {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // what could be allocated without swapping
};
// Zeros where the operating system does not say.
SystemMemory system_memory();

}  // namespace trireme::cpu
