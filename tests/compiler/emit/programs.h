// Programs of Debian's packages spirv-tools and clang-19, run on what the compiler wrote.
#pragma once

#include <string>

namespace trireme::compiler::test {

// What spirv-val for Vulkan 1.2 objects to; empty when it is content. A missing program is an objection.
std::string spirv_objections(const std::string& module);

// The module as text, with friendly names and without the header.
std::string spirv_text_form(const std::string& module);

// What clang objects to in a text of OpenCL C 3.0 for `target`, its options; empty when it is content.
std::string opencl_objections(const std::string& text, const std::string& target);

}  // namespace trireme::compiler::test
