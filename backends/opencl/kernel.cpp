#include "backends/opencl/kernel.h"

#include <algorithm>

#include "backends/opencl/error.h"

namespace trireme::opencl {
namespace {

// Drivers count warnings on the program's stderr, where a user reads them.
constexpr char kOptions[] = "-cl-std=CL1.2 -w";
constexpr char kExactOptions[] = "-cl-std=CL1.2 -w -cl-fp32-correctly-rounded-divide-sqrt";

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

Status build_program(const Connection& connection, cl_program program) {
  const DeviceFacts& facts = connection.facts();
  const char* options = facts.exact_division ? kExactOptions : kOptions;
  const cl_int code = connection.library().clBuildProgram(program, 1, &facts.device, options, nullptr, nullptr);
  if (code == CL_SUCCESS) return {};
  const Error error = call_error(connection.id(), "clBuildProgram", code);
  return fail(error.code(), error.what(), error.why() + ": " + first_error_line(build_log(connection, program)),
              error.remedy());
}

// Errors: kInternal when it takes another number of arguments, kUnsupported when the device cannot run such groups.
Status check_kernel(const Connection& connection, cl_kernel kernel, const KernelSource& source) {
  const Library& library = connection.library();
  cl_uint arguments = 0;
  TRIREME_TRY(connection.check(
      library.clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof(arguments), &arguments, nullptr), "clGetKernelInfo"));
  if (arguments != source.buffers + source.launch_words)
    return fail(ErrorCode::kInternal, "kernel " + source.entry,
                "it takes " + std::to_string(arguments) + " arguments, not " + std::to_string(source.buffers) +
                    " buffers and " + std::to_string(source.launch_words) + " words");
  size_t group_size = 0;
  cl_ulong local_bytes = 0;
  const auto ask = [&](cl_kernel_work_group_info what, auto& answer) {
    return connection.check(
        library.clGetKernelWorkGroupInfo(kernel, connection.facts().device, what, sizeof(answer), &answer, nullptr),
        "clGetKernelWorkGroupInfo");
  };
  TRIREME_TRY(ask(CL_KERNEL_WORK_GROUP_SIZE, group_size));
  TRIREME_TRY(ask(CL_KERNEL_LOCAL_MEM_SIZE, local_bytes));
  if (source.group_size == 0 || source.group_size > group_size)
    return fail(ErrorCode::kUnsupported, "kernel " + source.entry,
                connection.id() + " runs it in groups of 1 to " + std::to_string(group_size) + " items, not of " +
                    std::to_string(source.group_size));
  if (local_bytes > connection.facts().local_bytes)
    return fail(ErrorCode::kUnsupported, "kernel " + source.entry,
                "it shares " + std::to_string(local_bytes) + " bytes in a group, and " + connection.id() + " has " +
                    std::to_string(connection.facts().local_bytes));
  return {};
}

Result<Handle<cl_kernel>> create_kernel(const Connection& connection, cl_program program, const std::string& entry) {
  cl_int code = CL_SUCCESS;
  auto kernel = connection.own(connection.library().clCreateKernel(program, entry.c_str(), &code),
                               connection.library().clReleaseKernel);
  TRIREME_TRY(connection.check(code, "clCreateKernel"));
  return kernel;
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

Result<Handle<cl_program>> load_program(const Connection& connection, std::span<const std::byte> binary) {
  const Library& library = connection.library();
  const size_t bytes = binary.size();
  const auto* start = reinterpret_cast<const unsigned char*>(binary.data());
  cl_int status = CL_SUCCESS, code = CL_SUCCESS;
  auto program = connection.own(library.clCreateProgramWithBinary(connection.context(), 1, &connection.facts().device,
                                                                  &bytes, &start, &status, &code),
                                library.clReleaseProgram);
  TRIREME_TRY(connection.check(code, "clCreateProgramWithBinary"));
  TRIREME_TRY(connection.check(status, "clCreateProgramWithBinary"));
  TRIREME_TRY(build_program(connection, program.get()));
  return program;
}

}  // namespace

Result<std::vector<std::byte>> OpenClKernel::build(const Connection& connection, const KernelSource& source) {
  const auto build = [&]() -> Result<std::vector<std::byte>> {
    const Library& library = connection.library();
    const char* text = source.code.data();
    const size_t bytes = source.code.size();
    cl_int code = CL_SUCCESS;
    const auto program = connection.own(
        library.clCreateProgramWithSource(connection.context(), 1, &text, &bytes, &code), library.clReleaseProgram);
    TRIREME_TRY(connection.check(code, "clCreateProgramWithSource"));
    TRIREME_TRY(build_program(connection, program.get()));
    TRIREME_ASSIGN(const auto kernel, create_kernel(connection, program.get(), source.entry));
    TRIREME_TRY(check_kernel(connection, kernel.get(), source));
    return read_binary(connection, program.get());
  };
  auto built = build();
  if (!built) return fail(std::move(built).error(), "building kernel " + source.entry);
  return built;
}

Result<std::shared_ptr<const OpenClKernel>> OpenClKernel::load(std::shared_ptr<Connection> connection,
                                                               const KernelSource& source,
                                                               std::span<const std::byte> built) {
  std::shared_ptr<OpenClKernel> kernel(new OpenClKernel(std::move(connection), source));
  const auto load = [&]() -> Status {
    TRIREME_ASSIGN(kernel->program_, load_program(*kernel->connection_, built));
    TRIREME_ASSIGN(const auto instance, kernel->instance());
    return check_kernel(*kernel->connection_, instance.get(), source);
  };
  const Status loaded = load();
  if (loaded) return kernel;
  // What is wrong is not the driver but what was kept.
  Error error = loaded.error();
  if (error.code() == ErrorCode::kInternal)
    error = Error(ErrorCode::kCorruptData, error.what(), error.why(), "build the kernel again");
  return fail(std::move(error), "loading kernel " + source.entry);
}

Result<std::shared_ptr<const OpenClKernel>> OpenClKernel::built_in(std::shared_ptr<Connection> connection,
                                                                   const KernelSource& source) {
  std::shared_ptr<OpenClKernel> kernel(new OpenClKernel(std::move(connection), source));
  const Connection& owner = *kernel->connection_;
  const auto create = [&]() -> Status {
    cl_int code = CL_SUCCESS;
    kernel->program_ = owner.own(owner.library().clCreateProgramWithBuiltInKernels(
                                     owner.context(), 1, &owner.facts().device, source.entry.c_str(), &code),
                                 owner.library().clReleaseProgram);
    TRIREME_TRY(owner.check(code, "clCreateProgramWithBuiltInKernels"));
    TRIREME_ASSIGN(const auto instance, kernel->instance());
    return check_kernel(owner, instance.get(), source);
  };
  if (Status created = create(); !created)
    return fail(std::move(created).error(), "taking the built-in kernel " + source.entry);
  return kernel;
}

OpenClKernel::OpenClKernel(std::shared_ptr<Connection> connection, const KernelSource& source)
    : connection_(std::move(connection)), source_(without_code(source)) {}

Result<Handle<cl_kernel>> OpenClKernel::instance() const {
  return create_kernel(*connection_, program_.get(), source_.entry);
}

}  // namespace trireme::opencl
