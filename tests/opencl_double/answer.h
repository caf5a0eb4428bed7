// Answers of the clGet...Info calls.
#pragma once

#include <cstring>
#include <string>

#include "tests/opencl_double/driver.h"

namespace trireme::opencl_double {

// Where an answer goes, as the application gave it.
struct Place {
  const char* call;
  size_t bytes;
  void* value;
  size_t* needed;

  cl_int give(const void* data, size_t size) const {
    if (!value && !needed) return driver().violation(CL_INVALID_VALUE, call, "there is no place for the answer");
    if (value && bytes < size)
      return driver().violation(CL_INVALID_VALUE, call,
                                std::to_string(bytes) + " bytes do not hold an answer of " + std::to_string(size));
    if (value) std::memcpy(value, data, size);
    if (needed) *needed = size;
    return CL_SUCCESS;
  }
  cl_int give(const std::string& text) const { return give(text.c_str(), text.size() + 1); }
  template <typename T>
  cl_int number(T number) const {
    return give(&number, sizeof(number));
  }
  cl_int unknown(cl_uint question) const {
    return driver().violation(CL_INVALID_VALUE, call, "question " + std::to_string(question) + " is not known");
  }
};

}  // namespace trireme::opencl_double
