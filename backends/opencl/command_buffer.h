// CommandBufferCalls: how a driver takes commands once and runs them many times, by cl_khr_command_buffer.
#pragma once

#include <optional>

#include "backends/opencl/device_facts.h"
#include "backends/opencl/handle.h"

namespace trireme::opencl {

// The extension's functions, of a driver that has them.
struct CommandBufferCalls {
  // None where the device lacks the extension, has another version of it than this was written for, or wants queues of
  // another kind.
  static std::optional<CommandBufferCalls> find(const Library& library, const DeviceFacts& facts);

  clCreateCommandBufferKHR_fn create = nullptr;
  clReleaseCommandBufferKHR_fn release = nullptr;
  clCommandNDRangeKernelKHR_fn launch = nullptr;
  clCommandCopyBufferKHR_fn copy = nullptr;
  clFinalizeCommandBufferKHR_fn finish = nullptr;
  clEnqueueCommandBufferKHR_fn enqueue = nullptr;
};

}  // namespace trireme::opencl
