#include "hal/buffer.h"

namespace trireme {

Status check_range(const BufferRange& range) {
  if (!range.buffer) return fail(ErrorCode::kInvalidArgument, "buffer range", "it has no buffer");
  const uint64_t size = range.buffer->size();
  if (range.offset > size || range.bytes > size - range.offset)
    return fail(ErrorCode::kInvalidArgument, "buffer range",
                "bytes " + std::to_string(range.offset) + " to " + std::to_string(range.offset + range.bytes) +
                    " leave a buffer of " + std::to_string(size));
  return {};
}

}  // namespace trireme
