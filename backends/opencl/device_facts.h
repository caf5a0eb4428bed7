// DeviceFacts: what a driver says of a device before it is opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/opencl/library.h"

namespace trireme::opencl {

struct DeviceFacts {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  std::optional<Error> failure;  // of the first question that was not answered

  std::string platform_name;
  std::string platform_version;
  std::string name;
  std::string driver_version;
  std::string extensions;
  std::string built_in_kernels;         // their names, between semicolons
  uint32_t command_buffer_version = 0;  // of cl_khr_command_buffer, as CL_MAKE_VERSION gives it; 0: none
  int version = 0;                      // of OpenCL: 120
  int c_version = 0;                    // of OpenCL C
  cl_device_type type = 0;
  bool available = false;
  bool compiler = false;
  bool little_endian = false;
  bool unified_memory = false;
  cl_uint compute_units = 0;
  cl_uint address_bits = 0;
  cl_uint alignment_bits = 0;   // of sub-buffers
  uint32_t vector_lanes = 1;    // f32 in a register
  bool exact_division = false;  // of f32 can be asked for
  uint32_t subgroup_size = 0;   // that groups are cut into where kernels ask for it; 0: it is not known
  uint64_t group_size = 0;
  uint64_t local_bytes = 0;
  uint64_t allocation_bytes = 0;
  uint64_t global_bytes = 0;

  // The newest standard of OpenCL C that it surely compiles: 120, 200 or 300.
  int language() const { return version >= 300 ? 300 : c_version >= 200 ? 200 : 120; }
  bool software() const { return (type & CL_DEVICE_TYPE_CPU) != 0; }
  // Whether the driver reads clang's header before each program, and does without: see kWithoutHeader.
  bool reads_long_header() const { return platform_name == "Portable Computing Language"; }
  bool has(std::string_view extension) const;
  bool has_built_in(std::string_view kernel) const;
  // Without a compiler, it runs ops that its built-in kernels compute.
  bool op_level() const { return !compiler && !built_in_kernels.empty(); }
  std::string driver() const;
  // Why the device cannot be opened, if so.
  std::optional<std::string> refusal() const;
};

// Every device of every platform: platforms by their names, the devices of one in the driver's order. Errors: kNotFound
// when there is none.
Result<std::vector<DeviceFacts>> find_devices(const Library& library);

}  // namespace trireme::opencl
