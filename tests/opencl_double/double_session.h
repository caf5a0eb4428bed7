// Models on the test double's devices.
#pragma once

#include "runtime/session.h"

namespace trireme::opencl_double {

// Opens "opencl:INDEX" of the double. Kernels are kept in a folder of this process, so that opening it often is quick.
Result<std::shared_ptr<Device>> open_double(int index);

// `count` ids that the model itself finds most likely after `ids`, which are given to it in steps of up to `chunk`
// rows.
Result<std::vector<int32_t>> greedy(runtime::Session& session, std::span<const int32_t> ids, size_t count,
                                    size_t chunk);

}  // namespace trireme::opencl_double
