// Whatever the bytes are, restoring them as a KV cache gives a sequence that goes on, or an error that leaves the
// session as it was.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "backends/reference/backend.h"
#include "runtime/session.h"

namespace {

using namespace trireme;

template <typename T>
T require(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "error: %s\n", result.error().message().c_str());
  std::abort();
}

std::unique_ptr<runtime::Session> open_session() {
  const auto backend = reference::create_backend();
  const auto model = require(runtime::Model::open(TRIREME_FUZZ_MODEL));
  runtime::SessionOptions options;
  options.context = 64;
  options.max_rows = 8;
  const auto layers = static_cast<int>(model->hyperparameters().layers);
  return require(runtime::Session::create(
      model, compiler::Placement::on(require(backend->open(0, {.threads = 1})), layers), options));
}

// A file that lives in memory; every restore opens and closes it anew.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : descriptor_(::memfd_create("saved_kv", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<runtime::Session> session = open_session();
  const MemoryFile file(data, size);
  const auto sequence = session->restore(file.path());
  if (!sequence) {
    if (sequence.error().message().find('\n') != std::string::npos) std::abort();
    // The session has room for one sequence: a failed restore may not keep it.
    if (!session->remove_sequence(require(session->create_sequence()))) std::abort();
    return 0;
  }
  const int64_t length = require(session->length(*sequence));
  const runtime::StepRow row = {.token = 1, .sequence = *sequence, .output = true};
  if (session->step({&row, 1}).has_value() != (length < session->context())) std::abort();
  if (!session->remove_sequence(*sequence)) std::abort();
  return 0;
}
