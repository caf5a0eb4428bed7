#include "backends/opencl/command_buffer.h"

#include <type_traits>

namespace trireme::opencl {
namespace {

// The extension is provisional: 0.9.5 gave its functions other parameters.
constexpr bool is_known(uint32_t version) { return version >= (9u << 12) && version < ((9u << 12) | 5u); }

}  // namespace

std::optional<CommandBufferCalls> CommandBufferCalls::find(const Library& library, const DeviceFacts& facts) {
  if (!is_known(facts.command_buffer_version)) return std::nullopt;
  cl_command_queue_properties required = 0;
  if (library.clGetDeviceInfo(facts.device, CL_DEVICE_COMMAND_BUFFER_REQUIRED_QUEUE_PROPERTIES_KHR, sizeof required,
                              &required, nullptr) != CL_SUCCESS ||
      required != 0)
    return std::nullopt;
  CommandBufferCalls calls;
  bool all = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        library.clGetExtensionFunctionAddressForPlatform(facts.platform, name));
    all = all && function;
  };
  find(calls.create, "clCreateCommandBufferKHR");
  find(calls.release, "clReleaseCommandBufferKHR");
  find(calls.launch, "clCommandNDRangeKernelKHR");
  find(calls.copy, "clCommandCopyBufferKHR");
  find(calls.finish, "clFinalizeCommandBufferKHR");
  find(calls.enqueue, "clEnqueueCommandBufferKHR");
  return all ? std::optional(calls) : std::nullopt;
}

}  // namespace trireme::opencl
