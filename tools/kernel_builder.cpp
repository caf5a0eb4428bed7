// trireme-kernel-builder: the process in which target compilers run that may abort theirs. It reads requests on stdin
// and answers on stdout; whoever starts it hears of its end.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "backends/built_in.h"
#include "compiler/build/serve.h"
#include "compiler/device/compile_for.h"

namespace trireme::tools {
namespace {

// Without work for so long it gives its memory back.
constexpr std::chrono::seconds kIdle{10};

Result<std::shared_ptr<KernelDevice>> open(const compiler::OpenRequest& request) {
  Registry registry = built_in_backends();
  registry.only_build();
  if (!request.library.empty())
    TRIREME_TRY(registry.use_library(request.device.substr(0, request.device.find(':')), request.library));
  std::shared_ptr<KernelDevice> found;
  registry.compile_with([&](std::shared_ptr<KernelDevice> device) {
    found = device;
    return compiler::compile_for(std::move(device));
  });
  TRIREME_TRY(registry.open(request.device));
  if (!found)
    return fail(ErrorCode::kUnsupported, "device " + request.device, "it runs no kernels", "name another device");
  return found;
}

int run(int argc) {
  if (argc > 1 || isatty(STDIN_FILENO)) {
    std::fputs("error: trireme-kernel-builder: it is no program for people; 'trireme' starts it to build kernels\n",
               stderr);
    return 2;
  }
  // What drivers print does not belong between the answers.
  const int out = ::dup(STDOUT_FILENO);
  if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) return 1;
  const Status served = compiler::serve(STDIN_FILENO, out, kIdle, open);
  if (served) return 0;
  std::fprintf(stderr, "error: trireme-kernel-builder: %s\n", served.error().message().c_str());
  return 1;
}

}  // namespace
}  // namespace trireme::tools

int main(int argc, char**) {
  // Drivers have much to tidy up, and nothing that matters.
  std::_Exit(trireme::tools::run(argc));
}
