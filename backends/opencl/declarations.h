// The built-in functions of OpenCL C that kernels call, declared by ourselves.
#pragma once

namespace trireme::opencl {

// PoCL gives each program to clang with clang's own header: 18,000 lines of declarations, a quarter of a second a
// program. With this option it does not read that header, whose guard it names; kDeclarations then stands before the
// program. They are OpenCL C 1.2's types and functions as clang spells them, without what subgroups and integer dot
// products need.
inline constexpr char kWithoutHeader[] = " -D_OPENCL_H_";
extern const char* const kDeclarations;

}  // namespace trireme::opencl
