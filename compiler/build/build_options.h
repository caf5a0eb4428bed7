// BuildOptions: how a program wants kernels to be built.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace trireme::compiler {

struct BuildOptions {
  // The installed program trireme-kernel-builder, in which compilers run that may abort their process; empty: they run
  // in this one.
  std::filesystem::path worker;
  // What Registry::use_library() was told, by backend: workers load the same drivers.
  std::map<std::string, std::string> libraries;
  // How long a worker may take for one kernel.
  std::chrono::milliseconds patience = std::chrono::minutes(10);
  int threads = 0;  // kernels built at once; 0: one for each core that the process may use
  // Hears, on the thread that wants the kernels, how many of those missing are built, whenever that changes. After
  // false, no other is begun: kCancelled.
  std::function<bool(int done, int all)> progress;
};

}  // namespace trireme::compiler
