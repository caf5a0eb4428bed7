#include "compiler/build/serve.h"

#include "compiler/build/frame.h"

namespace trireme::compiler {
namespace {

class Server {
 public:
  explicit Server(const DeviceOpener& open) : open_(open) {}

  BuildAnswer answer(const BuildRequest& request) {
    if (const auto* const opening = std::get_if<OpenRequest>(&request)) return open(*opening);
    if (!device_) return fail(ErrorCode::kInvalidArgument, "kernel builder", "no device was opened for its kernels");
    return device_->build_kernel(std::get<KernelSource>(request));
  }

 private:
  BuildAnswer open(const OpenRequest& request) {
    device_ = nullptr;
    TRIREME_ASSIGN(std::shared_ptr<KernelDevice> device, open_(request));
    if (device->target().build_key != request.build_key)
      return fail(ErrorCode::kInvalidArgument, "kernel builder for " + request.device,
                  "its driver is '" + device->target().build_key + "', not '" + request.build_key + "'",
                  "start again; if it stays, install this version of Trireme anew");
    device_ = std::move(device);
    return std::vector<std::byte>{};
  }

  const DeviceOpener& open_;
  std::shared_ptr<KernelDevice> device_;
};

}  // namespace

Status serve(int in, int out, std::chrono::milliseconds idle, const DeviceOpener& open) {
  Server server(open);
  while (true) {
    const auto payload = read_frame(in, std::chrono::steady_clock::now() + idle);
    if (!payload && payload.error().code() == ErrorCode::kTimeout) return {};
    if (!payload) return fail(payload.error());
    if (!*payload) return {};
    TRIREME_ASSIGN(const BuildRequest request, decode_request(**payload));
    TRIREME_TRY(write_frame(out, encode(server.answer(request))));
  }
}

}  // namespace trireme::compiler
