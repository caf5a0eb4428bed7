// The programs of Debian's package spirv-tools, run on what the compiler wrote.
#pragma once

#include <string>

namespace trireme::compiler::test {

// What spirv-val for Vulkan 1.2 objects to; empty when it is content. A missing program is an objection.
std::string spirv_objections(const std::string& module);

// The module as text, with friendly names and without the header.
std::string spirv_text_form(const std::string& module);

}  // namespace trireme::compiler::test
