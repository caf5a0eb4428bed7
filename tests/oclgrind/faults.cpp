// A program with a kernel that writes outside of its buffer and one whose items race: oclgrind must report both.
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

namespace {

const char* const kText =
    "kernel void stray(global uint* x) { x[get_global_id(0) * 2] = 1; }\n"
    "kernel void race(global uint* x) { x[0] = get_global_id(0); }\n";
constexpr size_t kItems = 16;

bool launch(cl_command_queue queue, cl_program program, const char* name, cl_mem buffer) {
  cl_int code = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(program, name, &code);
  if (code != CL_SUCCESS || clSetKernelArg(kernel, 0, sizeof buffer, &buffer) != CL_SUCCESS) return false;
  if (clEnqueueNDRangeKernel(queue, kernel, 1, nullptr, &kItems, &kItems, 0, nullptr, nullptr) != CL_SUCCESS)
    return false;
  return clFinish(queue) == CL_SUCCESS && clReleaseKernel(kernel) == CL_SUCCESS;
}

}  // namespace

int main() {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  if (clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS) return 1;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr) != CL_SUCCESS) return 1;
  cl_context context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
  cl_command_queue queue = clCreateCommandQueue(context, device, 0, nullptr);
  const char* text = kText;
  cl_program program = clCreateProgramWithSource(context, 1, &text, nullptr, nullptr);
  if (clBuildProgram(program, 1, &device, "", nullptr, nullptr) != CL_SUCCESS) return 1;
  cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, kItems * sizeof(cl_uint), nullptr, nullptr);
  return launch(queue, program, "stray", buffer) && launch(queue, program, "race", buffer) ? 0 : 1;
}
