// Programs, kernels and launches.
#include <algorithm>

#include "tests/opencl_double/answer.h"
#include "tests/opencl_double/enqueue.h"

namespace trireme::opencl_double {
namespace {

cl_int check_program(const char* call, cl_program handle, cl_device_id device, std::shared_ptr<Program>& program) {
  program = driver().programs.find(handle);
  if (!program) return driver().violation(CL_INVALID_PROGRAM, call, "it is none, or was released");
  if (device && device != program->context->device->handle)
    return driver().violation(CL_INVALID_DEVICE, call, "the device is not in the program's context");
  return CL_SUCCESS;
}

// Gives the handle of a program, whose code the engine makes.
template <typename Make>
cl_program create_program(const char* call, cl_context handle, cl_int* code, Make make) {
  cl_program created = nullptr;
  const auto create = [&]() -> cl_int {
    if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
    auto program = std::make_shared<Program>();
    program->context = driver().contexts.find(handle);
    if (!program->context) return driver().violation(CL_INVALID_CONTEXT, call, "the context");
    if (program->context->lost) return CL_OUT_OF_RESOURCES;
    const cl_int made = make(*program);
    if (made == CL_SUCCESS) created = driver().programs.add(std::move(program));
    return made;
  };
  store(code, create());
  return created;
}

cl_int set_argument(Kernel& kernel, cl_uint index, size_t bytes, const void* value) {
  constexpr char kCall[] = "clSetKernelArg";
  const std::vector<Parameter>& parameters = kernel.function->parameters();
  const std::string name = "argument " + std::to_string(index) + " of " + kernel.name;
  if (index >= parameters.size()) return driver().violation(CL_INVALID_ARG_INDEX, kCall, name);
  const Parameter& parameter = parameters[index];
  Kernel::Set set;
  if (parameter.kind == Parameter::Kind::kLocal) {
    if (value || bytes == 0)
      return driver().violation(value ? CL_INVALID_ARG_VALUE : CL_INVALID_ARG_SIZE, kCall, name + " is local memory");
    set.argument.local_bytes = bytes;
  } else if (!value) {
    return driver().violation(CL_INVALID_ARG_VALUE, kCall, name + " has no value");
  } else if (parameter.kind == Parameter::Kind::kBuffer) {
    if (bytes != sizeof(cl_mem))
      return driver().violation(CL_INVALID_ARG_SIZE, kCall, name + " is a buffer, not " + std::to_string(bytes));
    std::memcpy(&set.buffer, value, sizeof(cl_mem));
    const auto buffer = driver().buffers.find(set.buffer);
    if (!buffer || buffer->context != kernel.program->context)
      return driver().violation(CL_INVALID_MEM_OBJECT, kCall, name + " is no buffer of the context");
  } else {
    if (parameter.bytes != 0 && bytes != parameter.bytes)
      return driver().violation(
          CL_INVALID_ARG_SIZE, kCall,
          name + " takes " + std::to_string(parameter.bytes) + " bytes, not " + std::to_string(bytes));
    const auto* data = static_cast<const std::byte*>(value);
    set.argument.value.assign(data, data + bytes);
  }
  kernel.arguments[index] = std::move(set);
  return CL_SUCCESS;
}

cl_int check_sizes(const Kernel& kernel, const size_t* offset, const size_t* global, const size_t* local,
                   Launch& launch) {
  constexpr char kCall[] = "clEnqueueNDRangeKernel";
  if (launch.dimensions < 1 || launch.dimensions > 3)
    return driver().violation(CL_INVALID_WORK_DIMENSION, kCall, std::to_string(launch.dimensions));
  if (!global) return driver().violation(CL_INVALID_GLOBAL_WORK_SIZE, kCall, "there is none");
  if (!local) return driver().violation(CL_INVALID_WORK_GROUP_SIZE, kCall, "the driver is to choose it");
  size_t items = 1;
  for (cl_uint axis = 0; axis < launch.dimensions; ++axis) {
    if (offset && offset[axis] != 0) return driver().violation(CL_INVALID_GLOBAL_OFFSET, kCall, kernel.name);
    if (global[axis] == 0) return driver().violation(CL_INVALID_GLOBAL_WORK_SIZE, kCall, kernel.name + ": 0 items");
    if (local[axis] == 0 || local[axis] > kItemSizes[axis])
      return driver().violation(
          CL_INVALID_WORK_ITEM_SIZE, kCall,
          kernel.name + ": " + std::to_string(local[axis]) + " items of a group on axis " + std::to_string(axis));
    if (global[axis] % local[axis] != 0)
      return driver().violation(CL_INVALID_WORK_GROUP_SIZE, kCall, kernel.name + ": a group is not whole");
    items *= local[axis];
    launch.global[axis] = global[axis];
    launch.local[axis] = local[axis];
  }
  if (items > std::min(kGroupItems, kernel.function->group_items()))
    return driver().violation(CL_INVALID_WORK_GROUP_SIZE, kCall, kernel.name + ": " + std::to_string(items) + " items");
  return CL_SUCCESS;
}

cl_int bind(const Kernel& kernel, Launch& launch) {
  constexpr char kCall[] = "clEnqueueNDRangeKernel";
  cl_ulong local_bytes = kernel.function->local_bytes();
  for (size_t i = 0; i < kernel.arguments.size(); ++i) {
    const std::string name = "argument " + std::to_string(i) + " of " + kernel.name;
    if (!kernel.arguments[i]) return driver().violation(CL_INVALID_KERNEL_ARGS, kCall, name + " was not set");
    launch.arguments.push_back(kernel.arguments[i]->argument);
    local_bytes += launch.arguments.back().local_bytes;
    if (kernel.function->parameters()[i].kind != Parameter::Kind::kBuffer) continue;
    const auto buffer = driver().buffers.find(kernel.arguments[i]->buffer);
    if (!buffer) return driver().violation(CL_INVALID_KERNEL_ARGS, kCall, name + " is a buffer that was released");
    launch.arguments.back().memory = buffer->memory;
  }
  if (local_bytes > kLocalBytes)
    return driver().violation(CL_OUT_OF_RESOURCES, kCall, kernel.name + " shares " + std::to_string(local_bytes));
  return CL_SUCCESS;
}

}  // namespace
}  // namespace trireme::opencl_double

using namespace trireme::opencl_double;

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char** texts, const size_t* lengths,
                                     cl_int* code) {
  constexpr char kCall[] = "clCreateProgramWithSource";
  return create_program(kCall, context, code, [&](Program& program) -> cl_int {
    if (!program.context->device->compiles())
      return driver().violation(CL_INVALID_OPERATION, kCall, "the device has no compiler");
    std::string source;
    if (count == 0 || !texts) return driver().violation(CL_INVALID_VALUE, kCall, "there is no text");
    for (cl_uint i = 0; i < count; ++i) {
      if (!texts[i]) return driver().violation(CL_INVALID_VALUE, kCall, "a text is null");
      source += lengths && lengths[i] > 0 ? std::string(texts[i], lengths[i]) : std::string(texts[i]);
    }
    cl_int made = CL_SUCCESS;
    program.code = program.context->engine->compile(source, made);
    return made;
  });
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id* devices,
                                     const size_t* lengths, const unsigned char** binaries, cl_int* status,
                                     cl_int* code) {
  constexpr char kCall[] = "clCreateProgramWithBinary";
  return create_program(kCall, context, code, [&](Program& program) -> cl_int {
    if (count != 1 || !devices || !lengths || !binaries || lengths[0] == 0 || !binaries[0])
      return driver().violation(CL_INVALID_VALUE, kCall, "it takes one device and one binary");
    if (devices[0] != program.context->device->handle)
      return driver().violation(CL_INVALID_DEVICE, kCall, "the device is not in the context");
    cl_int made = CL_SUCCESS;
    program.code = program.context->engine->load(binaries[0], lengths[0], made);
    store(status, made);
    return made;
  });
}

cl_program clCreateProgramWithBuiltInKernels(cl_context context, cl_uint count, const cl_device_id* devices,
                                             const char* names, cl_int* code) {
  constexpr char kCall[] = "clCreateProgramWithBuiltInKernels";
  return create_program(kCall, context, code, [&](Program& program) -> cl_int {
    if (count != 1 || !devices || !names)
      return driver().violation(CL_INVALID_VALUE, kCall, "it takes one device and names");
    if (devices[0] != program.context->device->handle)
      return driver().violation(CL_INVALID_DEVICE, kCall, "the device is not in the context");
    cl_int made = CL_SUCCESS;
    program.code = program.context->engine->built_in(names, made);
    program.built = made == CL_SUCCESS;
    return made == CL_SUCCESS ? made : driver().violation(made, kCall, std::string("it has no such kernels: ") + names);
  });
}

cl_int clBuildProgram(cl_program handle, cl_uint count, const cl_device_id* devices, const char* options,
                      void(CL_CALLBACK* notify)(cl_program, void*), void* data) {
  constexpr char kCall[] = "clBuildProgram";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  if ((count == 0) != (devices == nullptr) || count > 1 || notify || data)
    return driver().violation(CL_INVALID_VALUE, kCall, "it takes at most one device, and calls nothing back");
  std::shared_ptr<Program> program;
  if (const cl_int code = check_program(kCall, handle, devices ? devices[0] : nullptr, program); code != CL_SUCCESS)
    return code;
  if (program->kernels > 0) return driver().violation(CL_INVALID_OPERATION, kCall, "there are kernels of it");
  const cl_int code = program->code->build(options ? options : "");
  program->built = code == CL_SUCCESS;
  return code;
}

cl_int clGetProgramInfo(cl_program handle, cl_program_info what, size_t bytes, void* value, size_t* needed) {
  const Place place{"clGetProgramInfo", bytes, value, needed};
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  std::shared_ptr<Program> program;
  if (const cl_int code = check_program(place.call, handle, nullptr, program); code != CL_SUCCESS) return code;
  if (what != CL_PROGRAM_BINARY_SIZES && what != CL_PROGRAM_BINARIES) return place.unknown(what);
  const std::vector<unsigned char> binary = program->built ? program->code->binary() : std::vector<unsigned char>();
  if (what == CL_PROGRAM_BINARY_SIZES) return place.number<size_t>(binary.size());
  if (!value || bytes < sizeof(unsigned char*))
    return driver().violation(CL_INVALID_VALUE, place.call, "there is no place for the answer");
  if (auto* const target = *static_cast<unsigned char**>(value)) std::copy(binary.begin(), binary.end(), target);
  return CL_SUCCESS;
}

cl_int clGetProgramBuildInfo(cl_program handle, cl_device_id device, cl_program_build_info what, size_t bytes,
                             void* value, size_t* needed) {
  const Place place{"clGetProgramBuildInfo", bytes, value, needed};
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  std::shared_ptr<Program> program;
  if (const cl_int code = check_program(place.call, handle, device, program); code != CL_SUCCESS) return code;
  return what == CL_PROGRAM_BUILD_LOG ? place.give(program->code->log()) : place.unknown(what);
}

cl_int clReleaseProgram(cl_program program) {
  if (driver().programs.take(program)) return CL_SUCCESS;
  return driver().violation(CL_INVALID_PROGRAM, "clReleaseProgram", "it is none, or was released");
}

cl_kernel clCreateKernel(cl_program handle, const char* name, cl_int* code) {
  constexpr char kCall[] = "clCreateKernel";
  cl_kernel created = nullptr;
  const auto create = [&]() -> cl_int {
    if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
    auto kernel = std::make_shared<Kernel>();
    if (const cl_int found = check_program(kCall, handle, nullptr, kernel->program); found != CL_SUCCESS) return found;
    if (!name) return driver().violation(CL_INVALID_VALUE, kCall, "there is no name");
    if (!kernel->program->built)
      return driver().violation(CL_INVALID_PROGRAM_EXECUTABLE, kCall, "the program was not built");
    cl_int made = CL_SUCCESS;
    kernel->function = kernel->program->code->function(name, made);
    if (made != CL_SUCCESS) return made;
    kernel->name = name;
    kernel->arguments.resize(kernel->function->parameters().size());
    ++kernel->program->kernels;
    created = driver().kernels.add(std::move(kernel));
    return CL_SUCCESS;
  };
  store(code, create());
  return created;
}

cl_int clGetKernelInfo(cl_kernel handle, cl_kernel_info what, size_t bytes, void* value, size_t* needed) {
  const Place place{"clGetKernelInfo", bytes, value, needed};
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto kernel = driver().kernels.find(handle);
  if (!kernel) return driver().violation(CL_INVALID_KERNEL, place.call, "it is none, or was released");
  if (what == CL_KERNEL_NUM_ARGS) return place.number<cl_uint>(cl_uint(kernel->arguments.size()));
  return what == CL_KERNEL_FUNCTION_NAME ? place.give(kernel->name) : place.unknown(what);
}

cl_int clGetKernelWorkGroupInfo(cl_kernel handle, cl_device_id device, cl_kernel_work_group_info what, size_t bytes,
                                void* value, size_t* needed) {
  const Place place{"clGetKernelWorkGroupInfo", bytes, value, needed};
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto kernel = driver().kernels.find(handle);
  if (!kernel) return driver().violation(CL_INVALID_KERNEL, place.call, "it is none, or was released");
  if (device && device != kernel->program->context->device->handle)
    return driver().violation(CL_INVALID_DEVICE, place.call, "the device is not in the kernel's context");
  if (what == CL_KERNEL_WORK_GROUP_SIZE)
    return place.number<size_t>(std::min(kGroupItems, kernel->function->group_items()));
  return what == CL_KERNEL_LOCAL_MEM_SIZE ? place.number<cl_ulong>(kernel->function->local_bytes())
                                          : place.unknown(what);
}

cl_int clSetKernelArg(cl_kernel handle, cl_uint index, size_t bytes, const void* value) {
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto kernel = driver().kernels.find(handle);
  if (!kernel) return driver().violation(CL_INVALID_KERNEL, "clSetKernelArg", "it is none, or was released");
  return set_argument(*kernel, index, bytes, value);
}

cl_int clReleaseKernel(cl_kernel handle) {
  const auto kernel = driver().kernels.take(handle);
  if (!kernel) return driver().violation(CL_INVALID_KERNEL, "clReleaseKernel", "it is none, or was released");
  --kernel->program->kernels;
  return CL_SUCCESS;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel handle, cl_uint dimensions, const size_t* offset,
                              const size_t* global, const size_t* local, cl_uint wait_count, const cl_event* waits,
                              cl_event* event) {
  constexpr char kCall[] = "clEnqueueNDRangeKernel";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto on = driver().queues.find(queue);
  if (!on) return driver().violation(CL_INVALID_COMMAND_QUEUE, kCall, "the queue");
  const auto kernel = driver().kernels.find(handle);
  if (!kernel) return driver().violation(CL_INVALID_KERNEL, kCall, "it is none, or was released");
  if (kernel->program->context != on->context())
    return driver().violation(CL_INVALID_CONTEXT, kCall, "queue and kernel have different contexts");
  Launch launch;
  launch.dimensions = dimensions;
  if (const cl_int code = check_sizes(*kernel, offset, global, local, launch); code != CL_SUCCESS) return code;
  if (const cl_int code = bind(*kernel, launch); code != CL_SUCCESS) return code;
  return enqueue(kCall, on, {wait_count, waits, event, false},
                 [function = kernel->function, launch = std::move(launch)] { return function->run(launch); });
}
