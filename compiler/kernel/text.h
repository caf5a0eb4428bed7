// The text form of kernels: print() and parse() are each other's inverse.
//
//   kernel scale
//   group 64
//   buffer x read_write
//   launch factor f32
//   {
//     %group = group_id 0 : u32
//     %v = load x[%group] : f32
//     %w = multiply %v, %factor1 : f32
//     store x[%group], %w
//   }
#pragma once

#include <string>
#include <string_view>

#include "compiler/kernel/function.h"
#include "hal/result.h"

namespace trireme::kernel {

std::string print(const Function& function);

// The kernel is verified, too. Errors: kCorruptData naming the line, or what verify() says.
Result<Function> parse(std::string_view text);

}  // namespace trireme::kernel
