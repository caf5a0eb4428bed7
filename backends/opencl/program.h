// program: built programs, from their text and from what was kept of them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/opencl/connection.h"

namespace trireme::opencl {

// Builds a text of OpenCL C. Errors: kInternal with what the driver's compiler said.
Result<Handle<cl_program>> build_text(const Connection& connection, const std::string& text);

// As build_text, for a driver that reads_long_header(), without that header: what the text calls must be among
// kDeclarations. build_text does this first.
Result<Handle<cl_program>> build_declared_text(const Connection& connection, const std::string& text);

// What build_binary takes at later starts.
Result<std::vector<std::byte>> read_binary(const Connection& connection, cl_program program);

// Errors: kInternal when the driver does not take it.
Result<Handle<cl_program>> build_binary(const Connection& connection, std::span<const std::byte> binary);

}  // namespace trireme::opencl
