// What the codes of OpenCL calls mean.
#pragma once

#include <string_view>

#include "backends/opencl/library.h"
#include "hal/result.h"

namespace trireme::opencl {

std::string_view code_name(cl_int code);

// The error of a failed call. Codes that speak of memory give kOutOfMemory, those of a device that is gone kDeviceLost,
// all others `otherwise`. `what` is the device's id, or the backend's name.
Error call_error(std::string_view what, std::string_view call, cl_int code, ErrorCode otherwise = ErrorCode::kInternal);

}  // namespace trireme::opencl
