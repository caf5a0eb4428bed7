#include "tests/compiler/emit/programs.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace trireme::compiler::test {
namespace {

struct Answer {
  int status = -1;
  std::string text;  // of both streams
};

Answer ask(const std::string& program, const std::string& module, const std::string& suffix = ".spv") {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("trireme_module_" + std::to_string(::getpid()) + suffix);
  std::ofstream(file, std::ios::binary) << module;
  Answer answer;
  if (FILE* const pipe = ::popen((program + " " + file.string() + " 2>&1").c_str(), "r")) {
    char part[4096];
    while (const size_t count = std::fread(part, 1, sizeof(part), pipe)) answer.text.append(part, count);
    answer.status = ::pclose(pipe);
  }
  std::filesystem::remove(file);
  return answer;
}

}  // namespace

std::string spirv_objections(const std::string& module) {
  const Answer answer = ask("spirv-val --target-env vulkan1.2", module);
  return answer.status == 0 ? answer.text : answer.text + " (status " + std::to_string(answer.status) + ")";
}

std::string opencl_objections(const std::string& text, const std::string& target) {
  const Answer answer =
      ask("clang-19 -x cl -cl-std=CL3.0 -nogpulib -fsyntax-only -Xclang -finclude-default-header "
          "-Xclang -fdeclare-opencl-builtins -Wno-everything "
          "-Werror=ignored-attributes -Werror=unknown-attributes -target " +
              target,
          text, ".cl");
  return answer.status == 0 ? answer.text : answer.text + " (status " + std::to_string(answer.status) + ")";
}

std::string spirv_text_form(const std::string& module) {
  const Answer answer = ask("spirv-dis --no-color --no-header", module);
  return answer.status == 0 ? answer.text : "spirv-dis failed: " + answer.text;
}

}  // namespace trireme::compiler::test
