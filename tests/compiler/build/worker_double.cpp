// A test double of trireme-kernel-builder: it builds for the kernel interpreter, and dies, hangs or talks nonsense when
// the kernel's name asks for it.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "compiler/build/serve.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/compiler/watched_device.h"

namespace {

using namespace trireme;
using compiler::OpenRequest;

void say(std::string_view text) {
  if (::write(STDOUT_FILENO, text.data(), text.size()) != ssize_t(text.size())) std::abort();
}

Status misbehave(const KernelSource& source) {
  if (source.entry == "abort") {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::abort();
  }
  if (source.entry == "hang")
    while (true) ::pause();
  if (source.entry == "exit") ::_exit(3);
  if (source.entry == "garbage") say({"\4\0\0\0what", 8});
  if (source.entry == "claim") say("\xff\xff\xff\xff");
  if (source.entry == "half") {
    say({"\100\0\0\0half", 8});
    ::_exit(0);
  }
  if (source.entry == "refuse") return fail(ErrorCode::kUnsupported, "kernel refuse", "the double refuses it");
  return {};
}

Result<std::shared_ptr<KernelDevice>> open(const OpenRequest& request) {
  if (request.device != "interpreter:0")
    return fail(ErrorCode::kNotFound, "device " + request.device, "the double has none");
  auto device = std::make_shared<compiler::test::WatchedDevice>(compiler::test::create_interpreter_device());
  device->target_changes.build_key = "the interpreter";
  device->building = misbehave;
  return device;
}

}  // namespace

int main() {
  const auto served = compiler::serve(STDIN_FILENO, STDOUT_FILENO, std::chrono::milliseconds(500), open);
  return served ? 0 : 1;
}
