// Platforms, devices, contexts and queues.
#include <algorithm>

#include "tests/opencl_double/answer.h"
#include "tests/opencl_double/built_in.h"
#include "tests/opencl_double/forward.h"

namespace trireme::opencl_double {
namespace {

constexpr char kName[] = "Trireme test double";

cl_int answer_size(const Device&, cl_device_info what, const Place& place) {
  switch (what) {
    case CL_DEVICE_MAX_COMPUTE_UNITS: return place.number<cl_uint>(4);
    case CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS: return place.number<cl_uint>(3);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES: return place.give(kItemSizes, sizeof(kItemSizes));
    case CL_DEVICE_MAX_WORK_GROUP_SIZE: return place.number<size_t>(kGroupItems);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT: return place.number<cl_uint>(1);
    case CL_DEVICE_SINGLE_FP_CONFIG: return place.number<cl_device_fp_config>(CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN);
    case CL_DEVICE_ADDRESS_BITS: return place.number<cl_uint>(64);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN: return place.number<cl_uint>(8 * kBaseAlignment);
    case CL_DEVICE_LOCAL_MEM_SIZE: return place.number<cl_ulong>(kLocalBytes);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE: return place.number<cl_ulong>(kAllocationBytes);
    default: return place.unknown(what);
  }
}

cl_int answer_device(const Device& device, cl_device_info what, const Place& place) {
  switch (what) {
    case CL_DEVICE_TYPE: return place.number<cl_device_type>(device.type);
    case CL_DEVICE_NAME: return place.give(device.name);
    case CL_DEVICE_VERSION: return place.give("OpenCL 1.2 test double");
    case CL_DEVICE_OPENCL_C_VERSION: return place.give(device.compiles() ? "OpenCL C 1.2 " : "");
    case CL_DRIVER_VERSION: return place.give("1");
    case CL_DEVICE_EXTENSIONS: return place.give("");
    case CL_DEVICE_AVAILABLE: return place.number<cl_bool>(CL_TRUE);
    case CL_DEVICE_COMPILER_AVAILABLE: return place.number<cl_bool>(device.compiles());
    case CL_DEVICE_ENDIAN_LITTLE: return place.number<cl_bool>(CL_TRUE);
    case CL_DEVICE_HOST_UNIFIED_MEMORY: return place.number<cl_bool>(CL_FALSE);
    case CL_DEVICE_GLOBAL_MEM_SIZE: return place.number<cl_ulong>(device.global_bytes);
    case CL_DEVICE_BUILT_IN_KERNELS: return place.give(device.built_in_kernels);
    default: return answer_size(device, what, place);
  }
}

// A custom device is none of the others, so only its own type finds it.
bool is_of(const Device& device, cl_device_type type) {
  if (device.type == CL_DEVICE_TYPE_CUSTOM) return (type & CL_DEVICE_TYPE_CUSTOM) != 0 && type != CL_DEVICE_TYPE_ALL;
  const bool by_default = (type & CL_DEVICE_TYPE_DEFAULT) != 0 && &device == driver().devices()[0].get();
  return by_default || (type & device.type) != 0;
}

cl_int check_properties(const cl_context_properties* properties) {
  for (; properties && *properties != 0; properties += 2) {
    if (properties[0] != CL_CONTEXT_PLATFORM)
      return driver().violation(CL_INVALID_PROPERTY, "clCreateContext", "a property is not known");
    if (properties[1] != reinterpret_cast<cl_context_properties>(Driver::platform()))
      return driver().violation(CL_INVALID_PLATFORM, "clCreateContext", "the platform is another one's");
  }
  return CL_SUCCESS;
}

}  // namespace
}  // namespace trireme::opencl_double

using namespace trireme::opencl_double;

cl_int clGetPlatformIDs(cl_uint entries, cl_platform_id* platforms, cl_uint* count) {
  if (const cl_int code = begin_call(); code != CL_SUCCESS) return code;
  if ((!platforms && !count) || (platforms && entries == 0))
    return driver().violation(CL_INVALID_VALUE, "clGetPlatformIDs", "there is no place for the answer");
  if (platforms) platforms[0] = Driver::platform();
  if (count) *count = 1;
  return CL_SUCCESS;
}

void* clGetExtensionFunctionAddressForPlatform(cl_platform_id, const char*) { return nullptr; }

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t bytes, void* value, size_t* needed) {
  if (const cl_int code = begin_call(); code != CL_SUCCESS) return code;
  const Place place{"clGetPlatformInfo", bytes, value, needed};
  if (platform != Driver::platform()) return driver().violation(CL_INVALID_PLATFORM, place.call, "the platform");
  switch (what) {
    case CL_PLATFORM_NAME: return place.give(kName);
    case CL_PLATFORM_VENDOR: return place.give("Trireme");
    case CL_PLATFORM_VERSION: return place.give("OpenCL 1.2 test double");
    case CL_PLATFORM_PROFILE: return place.give("FULL_PROFILE");
    case CL_PLATFORM_EXTENSIONS: return place.give("");
    default: return place.unknown(what);
  }
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint entries, cl_device_id* devices,
                      cl_uint* count) {
  if (const cl_int code = begin_call(); code != CL_SUCCESS) return code;
  if (platform != Driver::platform())
    return driver().violation(CL_INVALID_PLATFORM, "clGetDeviceIDs", "the platform is another one's");
  if ((!devices && !count) || (devices && entries == 0))
    return driver().violation(CL_INVALID_VALUE, "clGetDeviceIDs", "there is no place for the answer");
  cl_uint found = 0;
  for (const auto& device : driver().devices()) {
    if (!is_of(*device, type)) continue;
    if (devices && found < entries) devices[found] = device->handle;
    ++found;
  }
  if (found == 0) return CL_DEVICE_NOT_FOUND;
  if (count) *count = found;
  return CL_SUCCESS;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t bytes, void* value, size_t* needed) {
  if (const cl_int code = begin_call(); code != CL_SUCCESS) return code;
  const Device* found = driver().find(device);
  if (!found) return driver().violation(CL_INVALID_DEVICE, "clGetDeviceInfo", "the device");
  return answer_device(*found, what, {"clGetDeviceInfo", bytes, value, needed});
}

cl_context clCreateContext(const cl_context_properties* properties, cl_uint count, const cl_device_id* devices,
                           Notify notify, void* data, cl_int* code) {
  const auto create = [&](cl_context& created) -> cl_int {
    if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
    if (const cl_int failure = check_properties(properties); failure != CL_SUCCESS) return failure;
    if (!devices || count != 1 || (!notify && data))
      return driver().violation(CL_INVALID_VALUE, "clCreateContext", "it takes one device, and data for a function");
    Device* device = driver().find(devices[0]);
    if (!device) return driver().violation(CL_INVALID_DEVICE, "clCreateContext", "the device");
    auto context = std::make_shared<Context>();
    context->device = device;
    context->notify = notify;
    context->notify_data = data;
    cl_int made = CL_SUCCESS;
    context->engine = device->compiles() ? forwarding_engine(made) : built_in_engine();
    if (made == CL_SUCCESS) created = driver().contexts.add(std::move(context));
    return made;
  };
  cl_context created = nullptr;
  store(code, create(created));
  return created;
}

cl_int clReleaseContext(cl_context context) {
  if (driver().contexts.take(context)) return CL_SUCCESS;
  return driver().violation(CL_INVALID_CONTEXT, "clReleaseContext", "it is none, or was released");
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties,
                                      cl_int* code) {
  const auto create = [&](cl_command_queue& created) -> cl_int {
    if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
    const auto found = driver().contexts.find(context);
    if (!found) return driver().violation(CL_INVALID_CONTEXT, "clCreateCommandQueue", "the context");
    if (found->device->handle != device)
      return driver().violation(CL_INVALID_DEVICE, "clCreateCommandQueue", "the device is not in the context");
    if (properties != 0) return CL_INVALID_QUEUE_PROPERTIES;
    if (found->lost) return CL_OUT_OF_RESOURCES;
    created = driver().queues.add(std::make_shared<CommandQueue>(found));
    return CL_SUCCESS;
  };
  cl_command_queue created = nullptr;
  store(code, create(created));
  return created;
}

cl_int clReleaseCommandQueue(cl_command_queue queue) {
  if (driver().queues.take(queue)) return CL_SUCCESS;
  return driver().violation(CL_INVALID_COMMAND_QUEUE, "clReleaseCommandQueue", "it is none, or was released");
}

cl_int clFlush(cl_command_queue queue) {
  if (const cl_int code = begin_call(); code != CL_SUCCESS) return code;
  const auto found = driver().queues.find(queue);
  if (!found) return driver().violation(CL_INVALID_COMMAND_QUEUE, "clFlush", "the queue");
  found->flush();
  return CL_SUCCESS;
}

// What was added is over even where the call fails: nothing else could be relied on after it.
cl_int clFinish(cl_command_queue queue) {
  const cl_int failure = begin_call();
  const auto found = driver().queues.find(queue);
  if (!found) return driver().violation(CL_INVALID_COMMAND_QUEUE, "clFinish", "the queue");
  found->finish();
  return found->context()->lost ? CL_OUT_OF_RESOURCES : failure;
}
