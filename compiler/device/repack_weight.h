// repack_rows: pack_rows() by the device.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "compiler/templates/repack.h"
#include "hal/kernel_device.h"
#include "hal/prepared.h"

namespace trireme::compiler {

// Gives a kernel for each source, in their order.
using BuildKernels =
    std::function<Result<std::vector<std::shared_ptr<const Kernel>>>(std::span<const KernelSource> sources)>;

// Uploads the part's rows as they are stored, some at a time, and runs the kernels that write them into the planes,
// which begin at the part's first row; the work is done when it returns. why_packed_by_host() must be empty.
// Errors: kInvalidArgument when the tensor's bytes do not match its shape; those of building, allocating and running.
Status repack_rows(KernelDevice& device, const BuildKernels& build, const WeightLayout& layout,
                   const HostTensor& tensor, const RowPart& part, std::span<const BufferRange> planes);

}  // namespace trireme::compiler
