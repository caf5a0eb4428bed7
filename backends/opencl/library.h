// Library: the OpenCL functions that this backend calls, found at run time.
#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include <memory>
#include <string>

#include "hal/result.h"

namespace trireme::opencl {

#define TRIREME_OPENCL_FUNCTIONS(X)           \
  X(clGetPlatformIDs)                         \
  X(clGetPlatformInfo)                        \
  X(clGetExtensionFunctionAddressForPlatform) \
  X(clGetDeviceIDs)                           \
  X(clGetDeviceInfo)                          \
  X(clCreateContext)                          \
  X(clReleaseContext)                         \
  X(clCreateCommandQueue)                     \
  X(clReleaseCommandQueue)                    \
  X(clFlush)                                  \
  X(clFinish)                                 \
  X(clCreateBuffer)                           \
  X(clCreateSubBuffer)                        \
  X(clReleaseMemObject)                       \
  X(clEnqueueReadBuffer)                      \
  X(clEnqueueWriteBuffer)                     \
  X(clEnqueueCopyBuffer)                      \
  X(clCreateProgramWithSource)                \
  X(clCreateProgramWithBinary)                \
  X(clCreateProgramWithBuiltInKernels)        \
  X(clBuildProgram)                           \
  X(clGetProgramInfo)                         \
  X(clGetProgramBuildInfo)                    \
  X(clReleaseProgram)                         \
  X(clCreateKernel)                           \
  X(clGetKernelInfo)                          \
  X(clGetKernelWorkGroupInfo)                 \
  X(clSetKernelArg)                           \
  X(clReleaseKernel)                          \
  X(clEnqueueNDRangeKernel)                   \
  X(clEnqueueMarkerWithWaitList)              \
  X(clSetEventCallback)                       \
  X(clReleaseEvent)

struct Library {
  // Errors: kNotFound when the file cannot be opened, kUnsupported when it lacks a function.
  static Result<std::shared_ptr<const Library>> load(const std::string& path);

#define TRIREME_OPENCL_MEMBER(name) decltype(&::name) name = nullptr;
  TRIREME_OPENCL_FUNCTIONS(TRIREME_OPENCL_MEMBER)
#undef TRIREME_OPENCL_MEMBER
};

}  // namespace trireme::opencl
