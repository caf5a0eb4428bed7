#include "compiler/build/frame.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "compiler/build/messages.h"

namespace trireme::compiler {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kReadBytes = 64 << 10;
constexpr char kFrame[] = "frame of a kernel builder";

tl::unexpected<Error> io_error(int code) { return fail(ErrorCode::kIo, kFrame, std::strerror(code)); }

// Waits until the descriptor can be read or written, or is closed by the other side.
Status wait_for(int descriptor, short events, Deadline deadline) {
  while (true) {
    int patience = -1;
    if (deadline != kNoDeadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return fail(ErrorCode::kTimeout, kFrame, "it did not come in time");
      patience = int(std::min<int64_t>(left.count(), 60'000));
    }
    pollfd waiting{descriptor, events, 0};
    const int ready = ::poll(&waiting, 1, patience);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return io_error(errno);
  }
}

// As ::write(), without a signal where the other side of a socket has gone.
ssize_t write_some(int descriptor, std::span<const std::byte> data) {
  const ssize_t sent = ::send(descriptor, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 && errno == ENOTSOCK ? ::write(descriptor, data.data(), data.size()) : sent;
}

Status write_all(int descriptor, std::span<const std::byte> data, Deadline deadline) {
  while (!data.empty()) {
    TRIREME_TRY(wait_for(descriptor, POLLOUT, deadline));
    const ssize_t written = write_some(descriptor, data);
    if (written >= 0)
      data = data.subspan(size_t(written));
    else if (errno != EINTR && errno != EAGAIN)
      return io_error(errno);
  }
  return {};
}

// Fewer bytes where the stream ends.
Result<size_t> read_up_to(int descriptor, std::span<std::byte> data, Deadline deadline) {
  size_t done = 0;
  while (done < data.size()) {
    TRIREME_TRY(wait_for(descriptor, POLLIN, deadline));
    const ssize_t got = ::read(descriptor, data.data() + done, data.size() - done);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) break;
    if (got > 0)
      done += size_t(got);
    else if (errno != EINTR && errno != EAGAIN)
      return io_error(errno);
  }
  return done;
}

}  // namespace

Status write_frame(int descriptor, std::span<const std::byte> payload, Deadline deadline) {
  if (payload.size() > kMostFrameBytes)
    return fail(ErrorCode::kInvalidArgument, kFrame, std::to_string(payload.size()) + " bytes are too many for one");
  std::array<std::byte, kLengthBytes> length;
  for (size_t i = 0; i < length.size(); ++i) length[i] = std::byte(payload.size() >> (8 * i));
  TRIREME_TRY(write_all(descriptor, length, deadline));
  return write_all(descriptor, payload, deadline);
}

Result<std::optional<std::vector<std::byte>>> read_frame(int descriptor, Deadline deadline) {
  std::array<std::byte, kLengthBytes> head;
  TRIREME_ASSIGN(const size_t got, read_up_to(descriptor, head, deadline));
  if (got == 0) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < head.size(); ++i) length |= size_t(head[i]) << (8 * i);
  if (got < head.size()) return fail(ErrorCode::kCorruptData, kFrame, "it is truncated");
  if (length > kMostFrameBytes)
    return fail(ErrorCode::kCorruptData, kFrame, "it claims " + std::to_string(length) + " bytes");
  std::vector<std::byte> payload;
  while (payload.size() < length) {
    const size_t start = payload.size();
    payload.resize(std::min(length, start + std::max(start, kReadBytes)));
    TRIREME_ASSIGN(const size_t more, read_up_to(descriptor, std::span(payload).subspan(start), deadline));
    if (start + more < payload.size()) return fail(ErrorCode::kCorruptData, kFrame, "it is truncated");
  }
  return payload;
}

}  // namespace trireme::compiler
