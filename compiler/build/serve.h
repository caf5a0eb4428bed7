// serve: what a worker process does.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "compiler/build/messages.h"

namespace trireme::compiler {

// Opens the device that a request names. Errors: why it cannot.
using DeviceOpener = std::function<Result<std::shared_ptr<KernelDevice>>(const OpenRequest&)>;

// Answers the requests that come from `in`, each with one frame to `out`, until `in` ends, or nothing has come for as
// long as `idle`. A device with another build key than the request's is refused, for its kernels would be others.
// Errors: kCorruptData for what is no request, kIo.
Status serve(int in, int out, std::chrono::milliseconds idle, const DeviceOpener& open);

}  // namespace trireme::compiler
