#include "backends/opencl/kernel.h"

#include "backends/opencl/program.h"

namespace trireme::opencl {
namespace {

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

}  // namespace

Result<std::vector<std::byte>> OpenClKernel::build(const Connection& connection, const KernelSource& source,
                                                   const PoclCache* pocl_cache) {
  const auto build = [&]() -> Result<std::vector<std::byte>> {
    TRIREME_ASSIGN(const auto program, build_text(connection, source.code));
    TRIREME_ASSIGN(const auto kernel, create_kernel(connection, program.get(), source.entry));
    TRIREME_TRY(check_kernel(connection, kernel.get(), source));
    return read_binary(connection, program.get());
  };
  auto built = build();
  if (pocl_cache) {
    // What PoCL finds in its cache it does not build again.
    if (built && pocl_cache->serve_groups_of(source.group_size, source.entry)) built = build();
    pocl_cache->clear();
  }
  if (!built) return fail(std::move(built).error(), "building kernel " + source.entry);
  return built;
}

Result<std::shared_ptr<const OpenClKernel>> OpenClKernel::load(std::shared_ptr<Connection> connection,
                                                               const KernelSource& source,
                                                               std::span<const std::byte> built) {
  std::shared_ptr<OpenClKernel> kernel(new OpenClKernel(std::move(connection), source));
  const auto load = [&]() -> Status {
    TRIREME_ASSIGN(kernel->program_, build_binary(*kernel->connection_, built));
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
