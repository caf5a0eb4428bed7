#include "backends/opencl/program.h"

#include <algorithm>

#include "backends/opencl/declarations.h"
#include "backends/opencl/error.h"

namespace trireme::opencl {
namespace {

std::string build_log(const Connection& connection, cl_program program) {
  const auto& get = connection.library().clGetProgramBuildInfo;
  size_t bytes = 0;
  if (get(program, connection.facts().device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &bytes) != CL_SUCCESS) return {};
  std::string log(bytes, '\0');
  if (get(program, connection.facts().device, CL_PROGRAM_BUILD_LOG, bytes, log.data(), nullptr) != CL_SUCCESS)
    return {};
  return log.substr(0, log.find('\0'));
}

// The first line that speaks of an error, or the first that says anything.
std::string first_error_line(const std::string& log) {
  std::string first;
  for (size_t start = 0; start < log.size();) {
    const size_t end = std::min(log.find('\n', start), log.size());
    const std::string line = log.substr(start, end - start);
    if (line.find("error") != std::string::npos) return line;
    if (first.empty()) first = line;
    start = end + 1;
  }
  return first.empty() ? "the driver gave no reason" : first;
}

std::string options_of(const DeviceFacts& facts) {
  // Subgroups came with OpenCL C 2.0. Drivers count warnings on the program's stderr, where a user reads them.
  const int language = facts.subgroup_size > 0 ? facts.language() : 120;
  return "-cl-std=CL" + std::to_string(language / 100) + "." + std::to_string(language / 10 % 10) + " -w" +
         (facts.exact_division ? " -cl-fp32-correctly-rounded-divide-sqrt" : "");
}

Status build(const Connection& connection, cl_program program, const std::string& options) {
  const cl_int code =
      connection.library().clBuildProgram(program, 1, &connection.facts().device, options.c_str(), nullptr, nullptr);
  if (code == CL_SUCCESS) return {};
  const Error error = call_error(connection.id(), "clBuildProgram", code);
  return fail(error.code(), error.what(), error.why() + ": " + first_error_line(build_log(connection, program)),
              error.remedy());
}

Result<Handle<cl_program>> build_texts(const Connection& connection, std::vector<const char*> texts,
                                       const std::string& options) {
  cl_int code = CL_SUCCESS;
  auto program = connection.own(connection.library().clCreateProgramWithSource(
                                    connection.context(), cl_uint(texts.size()), texts.data(), nullptr, &code),
                                connection.library().clReleaseProgram);
  TRIREME_TRY(connection.check(code, "clCreateProgramWithSource"));
  TRIREME_TRY(build(connection, program.get(), options));
  return program;
}

}  // namespace

Result<Handle<cl_program>> build_declared_text(const Connection& connection, const std::string& text) {
  return build_texts(connection, {kDeclarations, text.c_str()}, options_of(connection.facts()) + kWithoutHeader);
}

Result<Handle<cl_program>> build_text(const Connection& connection, const std::string& text) {
  if (connection.facts().reads_long_header())
    if (auto program = build_declared_text(connection, text)) return program;
  return build_texts(connection, {text.c_str()}, options_of(connection.facts()));
}

Result<std::vector<std::byte>> read_binary(const Connection& connection, cl_program program) {
  const auto& get = connection.library().clGetProgramInfo;
  size_t bytes = 0;  // of one program for one device
  TRIREME_TRY(
      connection.check(get(program, CL_PROGRAM_BINARY_SIZES, sizeof(bytes), &bytes, nullptr), "clGetProgramInfo"));
  if (bytes == 0) return fail(ErrorCode::kInternal, connection.id(), "its driver gives no binary of a built program");
  std::vector<std::byte> binary(bytes);
  auto* start = reinterpret_cast<unsigned char*>(binary.data());
  TRIREME_TRY(
      connection.check(get(program, CL_PROGRAM_BINARIES, sizeof(unsigned char*), static_cast<void*>(&start), nullptr),
                       "clGetProgramInfo"));
  return binary;
}

Result<Handle<cl_program>> build_binary(const Connection& connection, std::span<const std::byte> binary) {
  const Library& library = connection.library();
  const size_t bytes = binary.size();
  const auto* start = reinterpret_cast<const unsigned char*>(binary.data());
  cl_int status = CL_SUCCESS, code = CL_SUCCESS;
  auto program = connection.own(library.clCreateProgramWithBinary(connection.context(), 1, &connection.facts().device,
                                                                  &bytes, &start, &status, &code),
                                library.clReleaseProgram);
  TRIREME_TRY(connection.check(code, "clCreateProgramWithBinary"));
  TRIREME_TRY(connection.check(status, "clCreateProgramWithBinary"));
  TRIREME_TRY(build(connection, program.get(), options_of(connection.facts())));
  return program;
}

}  // namespace trireme::opencl
