// What the built-in kernels compute.
#pragma once

#include <span>
#include <vector>

#include "backends/opencl/library.h"

namespace trireme::opencl_double {

struct BuiltInArguments {
  std::vector<std::span<std::byte>> buffers;
  std::vector<uint32_t> words;
};

struct BuiltInKernel {
  const char* name;
  uint32_t buffers;
  uint32_t words;
  // CL_INVALID_BUFFER_SIZE where a buffer is smaller than the words say, or a row count is none.
  cl_int (*run)(const BuiltInArguments& arguments);
};

std::span<const BuiltInKernel> built_in_kernels();

}  // namespace trireme::opencl_double
