#include "tests/opencl_double/forward.h"

#include <dlfcn.h>

#include <cstring>
#include <iterator>

#include "backends/opencl/handle.h"

namespace trireme::opencl_double {
namespace {

using opencl::Handle;
using opencl::Library;

constexpr size_t kFilledBytes = size_t{64} << 20;
constexpr char kLoader[] = "libOpenCL.so.1";

// The drivers' functions, with one more than the program calls.
struct Loader {
  std::shared_ptr<const Library> library;
  decltype(&::clGetKernelArgInfo) get_argument_info = nullptr;
};

template <typename T>
Handle<T> own(T object, cl_int (*release)(T)) {
  return Handle<T>(object, {release});
}

// What everything of one context shares.
struct Real {
  Loader loader;
  cl_device_id device = nullptr;
  Handle<cl_context> context;
  Handle<cl_command_queue> queue;

  const Library& call() const { return *loader.library; }
};

class RealMemory final : public Memory {
 public:
  RealMemory(std::shared_ptr<Real> real, cl_mem memory)
      : real_(std::move(real)), memory_(own(memory, real_->call().clReleaseMemObject)) {}

  cl_mem memory() const { return memory_.get(); }
  cl_int write(size_t offset, const void* data, size_t bytes) override {
    return real_->call().clEnqueueWriteBuffer(real_->queue.get(), memory_.get(), CL_TRUE, offset, bytes, data, 0,
                                              nullptr, nullptr);
  }
  cl_int read(size_t offset, void* data, size_t bytes) const override {
    return real_->call().clEnqueueReadBuffer(real_->queue.get(), memory_.get(), CL_TRUE, offset, bytes, data, 0,
                                             nullptr, nullptr);
  }
  std::shared_ptr<Memory> part(size_t offset, size_t bytes, cl_int& code) override {
    const cl_buffer_region region{offset, bytes};
    const cl_mem memory =
        real_->call().clCreateSubBuffer(memory_.get(), 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    return code == CL_SUCCESS ? std::make_shared<RealMemory>(real_, memory) : nullptr;
  }

 private:
  std::shared_ptr<Real> real_;
  Handle<cl_mem> memory_;
};

// The size of a value by the name of its type; 0 for one that is not known.
size_t value_bytes(const std::string& type) {
  constexpr std::pair<const char*, size_t> kTypes[] = {{"uint", 4},  {"int", 4},   {"float", 4},  {"char", 1},
                                                       {"uchar", 1}, {"short", 2}, {"ushort", 2}, {"long", 8},
                                                       {"ulong", 8}, {"uint2", 8}, {"uint4", 16}};
  for (const auto& [name, bytes] : kTypes)
    if (type == name) return bytes;
  return 0;
}

class RealFunction final : public Function {
 public:
  RealFunction(std::shared_ptr<Real> real, cl_kernel kernel)
      : real_(std::move(real)), kernel_(own(kernel, real_->call().clReleaseKernel)) {}

  cl_int describe() {
    cl_uint count = 0;
    cl_int code = real_->call().clGetKernelInfo(kernel_.get(), CL_KERNEL_NUM_ARGS, sizeof(count), &count, nullptr);
    const auto ask = [&](cl_kernel_work_group_info what, auto& answer) {
      if (code == CL_SUCCESS)
        code = real_->call().clGetKernelWorkGroupInfo(kernel_.get(), real_->device, what, sizeof(answer), &answer,
                                                      nullptr);
    };
    ask(CL_KERNEL_WORK_GROUP_SIZE, group_items_);
    ask(CL_KERNEL_LOCAL_MEM_SIZE, local_bytes_);
    for (cl_uint i = 0; i < count && code == CL_SUCCESS; ++i) code = describe(i);
    return code;
  }

  const std::vector<Parameter>& parameters() const override { return parameters_; }
  size_t group_items() const override { return group_items_; }
  cl_ulong local_bytes() const override { return local_bytes_; }

  cl_int run(const Launch& launch) override {
    const std::lock_guard lock(mutex_);
    cl_int code = CL_SUCCESS;
    for (cl_uint i = 0; i < launch.arguments.size() && code == CL_SUCCESS; ++i) code = set(i, launch.arguments[i]);
    if (code == CL_SUCCESS)
      code = real_->call().clEnqueueNDRangeKernel(real_->queue.get(), kernel_.get(), launch.dimensions, nullptr,
                                                  launch.global, launch.local, 0, nullptr, nullptr);
    return code == CL_SUCCESS ? real_->call().clFinish(real_->queue.get()) : code;
  }

 private:
  cl_int describe(cl_uint index) {
    cl_kernel_arg_address_qualifier space = 0;
    char type[128] = {};
    cl_int code = real_->loader.get_argument_info(kernel_.get(), index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof(space),
                                                  &space, nullptr);
    if (code == CL_SUCCESS)
      code =
          real_->loader.get_argument_info(kernel_.get(), index, CL_KERNEL_ARG_TYPE_NAME, sizeof(type), type, nullptr);
    Parameter parameter;
    if (space == CL_KERNEL_ARG_ADDRESS_LOCAL) {
      parameter.kind = Parameter::Kind::kLocal;
    } else if (space == CL_KERNEL_ARG_ADDRESS_PRIVATE) {
      parameter.bytes = value_bytes(type);
    } else {
      parameter.kind = Parameter::Kind::kBuffer;
    }
    parameters_.push_back(parameter);
    return code;
  }

  cl_int set(cl_uint index, const Argument& argument) {
    const auto& set = real_->call().clSetKernelArg;
    if (argument.local_bytes > 0) return set(kernel_.get(), index, argument.local_bytes, nullptr);
    if (!argument.memory) return set(kernel_.get(), index, argument.value.size(), argument.value.data());
    const cl_mem memory = dynamic_cast<const RealMemory&>(*argument.memory).memory();
    return set(kernel_.get(), index, sizeof(memory), static_cast<const void*>(&memory));
  }

  std::shared_ptr<Real> real_;
  Handle<cl_kernel> kernel_;
  std::vector<Parameter> parameters_;
  size_t group_items_ = 0;
  cl_ulong local_bytes_ = 0;
  std::mutex mutex_;  // arguments are state of the kernel
};

class RealCode final : public Code {
 public:
  RealCode(std::shared_ptr<Real> real, cl_program program)
      : real_(std::move(real)), program_(own(program, real_->call().clReleaseProgram)) {}

  cl_int build(const char* options) override {
    const std::string all = std::string(options) + " -cl-kernel-arg-info";
    return real_->call().clBuildProgram(program_.get(), 1, &real_->device, all.c_str(), nullptr, nullptr);
  }
  std::string log() const override {
    const auto& get = real_->call().clGetProgramBuildInfo;
    size_t bytes = 0;
    if (get(program_.get(), real_->device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &bytes) != CL_SUCCESS) return {};
    std::string text(bytes, '\0');
    if (get(program_.get(), real_->device, CL_PROGRAM_BUILD_LOG, bytes, text.data(), nullptr) != CL_SUCCESS) return {};
    return text.substr(0, text.find('\0'));
  }
  std::vector<unsigned char> binary() const override {
    const auto& get = real_->call().clGetProgramInfo;
    size_t bytes = 0;
    if (get(program_.get(), CL_PROGRAM_BINARY_SIZES, sizeof(bytes), &bytes, nullptr) != CL_SUCCESS) return {};
    std::vector<unsigned char> binary(bytes);
    unsigned char* place = binary.data();
    if (get(program_.get(), CL_PROGRAM_BINARIES, sizeof(place), static_cast<void*>(&place), nullptr) != CL_SUCCESS)
      return {};
    return binary;
  }
  std::shared_ptr<Function> function(const std::string& name, cl_int& code) override {
    const cl_kernel kernel = real_->call().clCreateKernel(program_.get(), name.c_str(), &code);
    if (code != CL_SUCCESS) return nullptr;
    auto function = std::make_shared<RealFunction>(real_, kernel);
    code = function->describe();
    return code == CL_SUCCESS ? function : nullptr;
  }

 private:
  std::shared_ptr<Real> real_;
  Handle<cl_program> program_;
};

class ForwardingEngine final : public Engine {
 public:
  explicit ForwardingEngine(std::shared_ptr<Real> real) : real_(std::move(real)) {}

  std::shared_ptr<Memory> allocate(cl_mem_flags flags, size_t bytes, void* host, cl_int& code) override {
    // Whoever reads new memory is to find no zeros there; very large buffers would take too long.
    std::vector<std::byte> garbage(host || bytes > kFilledBytes ? 0 : bytes, std::byte{0xff});
    const cl_mem_flags copy = garbage.empty() ? 0 : CL_MEM_COPY_HOST_PTR;
    const cl_mem memory = real_->call().clCreateBuffer(real_->context.get(), flags | copy, bytes,
                                                       garbage.empty() ? host : garbage.data(), &code);
    return code == CL_SUCCESS ? std::make_shared<RealMemory>(real_, memory) : nullptr;
  }
  std::shared_ptr<Code> compile(const std::string& source, cl_int& code) override {
    const char* text = source.data();
    const size_t bytes = source.size();
    const cl_program program = real_->call().clCreateProgramWithSource(real_->context.get(), 1, &text, &bytes, &code);
    return code == CL_SUCCESS ? std::make_shared<RealCode>(real_, program) : nullptr;
  }
  std::shared_ptr<Code> load(const unsigned char* binary, size_t bytes, cl_int& code) override {
    cl_int status = CL_SUCCESS;
    const cl_program program = real_->call().clCreateProgramWithBinary(real_->context.get(), 1, &real_->device, &bytes,
                                                                       &binary, &status, &code);
    if (code == CL_SUCCESS) code = status;
    return code == CL_SUCCESS ? std::make_shared<RealCode>(real_, program) : nullptr;
  }
  std::shared_ptr<Code> built_in(const std::string&, cl_int& code) override {
    code = CL_INVALID_VALUE;
    return nullptr;
  }

 private:
  std::shared_ptr<Real> real_;
};

cl_device_id find_cpu(const Library& library) {
  cl_platform_id platforms[16] = {};
  cl_uint count = 0;
  if (library.clGetPlatformIDs(std::size(platforms), platforms, &count) != CL_SUCCESS) return nullptr;
  for (cl_uint i = 0; i < std::min<cl_uint>(count, std::size(platforms)); ++i) {
    cl_device_id device = nullptr;
    if (library.clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_CPU, 1, &device, nullptr) == CL_SUCCESS) return device;
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<Engine> forwarding_engine(cl_int& code) {
  code = CL_DEVICE_NOT_AVAILABLE;
  auto real = std::make_shared<Real>();
  const auto library = Library::load(kLoader);
  void* const opened = dlopen(kLoader, RTLD_NOW | RTLD_LOCAL);
  if (!library || !opened) return nullptr;
  real->loader.library = *library;
  real->loader.get_argument_info =
      reinterpret_cast<decltype(&::clGetKernelArgInfo)>(dlsym(opened, "clGetKernelArgInfo"));
  real->device = find_cpu(**library);
  if (!real->device || !real->loader.get_argument_info) return nullptr;
  const Library& call = real->call();
  real->context = own(call.clCreateContext(nullptr, 1, &real->device, nullptr, nullptr, &code), call.clReleaseContext);
  if (code != CL_SUCCESS) return nullptr;
  real->queue = own(call.clCreateCommandQueue(real->context.get(), real->device, 0, &code), call.clReleaseCommandQueue);
  return code == CL_SUCCESS ? std::make_shared<ForwardingEngine>(std::move(real)) : nullptr;
}

}  // namespace trireme::opencl_double
