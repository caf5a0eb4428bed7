#include "tools/kernel_building.h"

#include <unistd.h>

#include <memory>

#include "tools/progress.h"
#include "tools/terminal.h"

namespace trireme::tools {
namespace {

namespace fs = std::filesystem;

// Empty where there is none.
fs::path find_worker() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& place : {folder, folder / TRIREME_HELPERS_FROM_PROGRAM}) {
    const fs::path program = place / "trireme-kernel-builder";
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

}  // namespace

compiler::BuildOptions build_options(const std::string& opencl_library) {
  compiler::BuildOptions options;
  options.worker = find_worker();
  if (!opencl_library.empty()) options.libraries.emplace("opencl", opencl_library);
  options.progress = [bar = std::shared_ptr<Progress>()](int done, int all) mutable {
    if (done == 0) bar = std::make_shared<Progress>("build kernels", all, "kernels");
    bar->update(done);
    if (done == all) bar = nullptr;
    return !interrupted();
  };
  return options;
}

}  // namespace trireme::tools
