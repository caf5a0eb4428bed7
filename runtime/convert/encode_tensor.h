// Packs one tensor into another format, in slabs of rows that several threads share.
#pragma once

#include <functional>

#include "runtime/convert/conversion.h"

namespace trireme::runtime {

// Calls `sink` with the tensor's bytes in `format`, piece after piece; where nothing has to change, with the source's
// own. Memory stays within some 64 MiB and a row a thread. The bytes do not depend on the number of threads. Errors:
// those of decode_rows() and Encoder; kUnsupported for a transform that does not fit the shape; the sink's.
Status encode_tensor(const ConvertedTensor& tensor, const Format& format, int threads,
                     const std::function<Status(std::span<const std::byte>)>& sink);

}  // namespace trireme::runtime
