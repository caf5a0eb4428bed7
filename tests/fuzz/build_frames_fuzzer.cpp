// Whatever the bytes are, a worker that reads them answers each request with a frame, and a program that reads them has
// an answer or an error. What was understood is written as it was read.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "compiler/build/frame.h"
#include "compiler/build/serve.h"

namespace {

using namespace trireme;
using namespace trireme::compiler;

using Bytes = std::span<const std::byte>;

// Its compiler copies text.
class CopyingDevice final : public KernelDevice {
 public:
  CopyingDevice() { target_.build_key = "fuzzed"; }
  const DeviceInfo& info() const override { return info_; }
  const Target& target() const override { return target_; }
  std::vector<MemoryHeap> memory() const override { return {}; }
  Result<std::shared_ptr<Buffer>> allocate(uint64_t) override { return nothing(); }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte>) override { return nothing(); }
  Result<std::shared_ptr<Timeline>> create_timeline() override { return nothing(); }
  Status submit(KernelList&, std::span<const TimelinePoint>, std::span<const TimelinePoint>) override {
    return nothing();
  }
  Result<std::vector<std::byte>> build_kernel(const KernelSource& source) override {
    if (source.entry.empty()) return nothing();
    const auto bytes = std::as_bytes(std::span(source.code));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource&, Bytes) override { return nothing(); }
  Result<std::unique_ptr<KernelList>> create_list() override { return nothing(); }

 private:
  static tl::unexpected<Error> nothing() { return fail(ErrorCode::kUnsupported, "fuzzed device", "it only copies"); }

  DeviceInfo info_;
  Target target_;
};

void require(bool holds) {
  if (!holds) std::abort();
}

// A file that lives in memory, at its beginning.
class MemoryStream {
 public:
  explicit MemoryStream(Bytes bytes = {}) : descriptor_(::memfd_create("frames", MFD_CLOEXEC)) {
    require(descriptor_ >= 0 && ::write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    rewind();
  }
  ~MemoryStream() { ::close(descriptor_); }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;
  int descriptor() const { return descriptor_; }
  void rewind() const { require(::lseek(descriptor_, 0, SEEK_SET) == 0); }

 private:
  int descriptor_;
};

void decode_as_program(Bytes payload) {
  if (const auto request = decode_request(payload)) require(std::ranges::equal(encode(*request), payload));
  const auto answer = decode_answer(payload);
  if (!answer) return;
  require(std::ranges::equal(encode(*answer), payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  decode_as_program(bytes);
  if (size > 4) decode_as_program(bytes.subspan(4));

  const MemoryStream requests(bytes), answers;
  static_cast<void>(serve(requests.descriptor(), answers.descriptor(), std::chrono::minutes(1),
                          [](const OpenRequest&) { return std::make_shared<CopyingDevice>(); }));
  answers.rewind();
  while (true) {
    const auto answer = read_frame(answers.descriptor());
    require(answer.has_value());
    if (!*answer) return 0;
    require(decode_answer(**answer).has_value());
  }
}
