// Handle: owns one reference to an OpenCL object.
#pragma once

#include <memory>
#include <type_traits>

#include "backends/opencl/library.h"

namespace trireme::opencl {

template <typename T>
struct Release {
  cl_int (*function)(T) = nullptr;
  void operator()(T object) const { function(object); }
};

template <typename T>
using Handle = std::unique_ptr<std::remove_pointer_t<T>, Release<T>>;

}  // namespace trireme::opencl
