// Frames of a stream: payloads behind their length, through sockets, pipes or files.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "hal/result.h"

namespace trireme::compiler {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();

// Errors: kInvalidArgument when the payload is larger than kMostFrameBytes, kIo when nobody reads, kTimeout.
Status write_frame(int descriptor, std::span<const std::byte> payload, Deadline deadline = kNoDeadline);

// Nothing where the stream ends before a frame. Memory grows with what has come, not with what a length promises.
// Errors: kCorruptData for a length above kMostFrameBytes or an end inside the frame, kIo, kTimeout.
Result<std::optional<std::vector<std::byte>>> read_frame(int descriptor, Deadline deadline = kNoDeadline);

}  // namespace trireme::compiler
