// How OpenCL C spells types, numbers and ops.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/kernel/op.h"
#include "compiler/kernel/type.h"

namespace trireme::compiler {

// A word of the language, or a function that kernels call.
bool is_opencl_word(std::string_view name);

// What the number of lanes adds to the name of a type or function: nothing for one.
std::string opencl_lanes(int lanes);
// Vectors of bool are vectors of int, with all bits set where true.
std::string opencl_type(kernel::Type type);
std::string opencl_number(kernel::Type type, uint32_t bits);

// The sign that stands between the operands, and the function of its own that an op is; null where there is none.
const char* opencl_sign(kernel::Op op, bool scalar_bool);
const char* opencl_function(kernel::Op op, bool is_float);

// An expression without the parentheses around the whole.
std::string without_parentheses(const std::string& text);

}  // namespace trireme::compiler
