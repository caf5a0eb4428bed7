#include "runtime/files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace trireme::runtime {
namespace {

constexpr size_t kPendingBytes = size_t{1} << 20;
constexpr int kAttempts = 1000;

tl::unexpected<Error> io_failure(const std::string& path, const std::string& doing, int error) {
  std::string remedy;
  if (error == ENOSPC || error == EDQUOT) remedy = "free some space or write elsewhere";
  if (error == EACCES || error == EPERM || error == EROFS) remedy = "choose a folder that you may write to";
  return fail(ErrorCode::kIo, path, doing + ": " + std::generic_category().message(error), std::move(remedy));
}

std::string descriptor_link(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

// A file that has no name yet, which is gone however the program ends; -1 where the file system has none such, or where
// it could not be named later.
int open_nameless(const std::string& target) {
  const std::string folder = std::filesystem::path(target).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0 || ::access(descriptor_link(descriptor).c_str(), F_OK) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

// Calls `use` with names beside `target` until one was free; gives that one. Returns 0, or the reason why none was
// used.
template <typename Use>
int with_free_name(const std::string& target, std::string& name, Use use) {
  for (int attempt = 0;; ++attempt) {
    name = target + "." + std::to_string(::getpid()) + "-" + std::to_string(attempt) + ".part";
    if (use(name.c_str())) return 0;
    if (errno != EEXIST || attempt == kAttempts) return errno;
  }
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  std::error_code absent;
  const std::filesystem::file_status status = std::filesystem::status(path, absent);
  if (path.empty() || std::filesystem::is_directory(status))
    return fail(ErrorCode::kIo, path.empty() ? "output file" : path, "it names a folder, not a file",
                "name a file to write");

  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return io_failure(path, "cannot be opened", errno);
    return AtomicFile(path, {}, descriptor, false);
  }
  // A link keeps pointing where it points.
  std::error_code error;
  const std::string target = std::filesystem::exists(status) ? std::filesystem::canonical(path, error).string() : path;
  if (error) return io_failure(path, "cannot be created", error.value());
  if (const int nameless = open_nameless(target); nameless >= 0) return AtomicFile(target, {}, nameless, true);
  std::string temporary;
  int descriptor = -1;
  const int failed = with_free_name(target, temporary, [&](const char* name) {
    descriptor = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return descriptor >= 0;
  });
  if (failed != 0) return io_failure(path, "cannot be created", failed);
  return AtomicFile(target, std::move(temporary), descriptor, true);
}

AtomicFile::AtomicFile(std::string path, std::string temporary, int descriptor, bool replaces)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor), replaces_(replaces) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      replaces_(other.replaces_),
      position_(other.position_),
      pending_(std::move(other.pending_)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(replaces_, other.replaces_);
  std::swap(position_, other.position_);
  std::swap(pending_, other.pending_);
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (descriptor_ < 0) return;
  ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status AtomicFile::write_through(std::span<const std::byte> data) {
  if (descriptor_ < 0) return fail(ErrorCode::kIo, path_, "an earlier write failed or the file is already complete");
  while (!data.empty()) {
    const ssize_t count = ::write(descriptor_, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      discard();
      return io_failure(path_, "cannot be written", error);
    }
    data = data.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status AtomicFile::flush() {
  TRIREME_TRY(write_through(pending_));
  pending_.clear();
  return {};
}

Status AtomicFile::write(std::span<const std::byte> data) {
  position_ += data.size();
  if (pending_.size() + data.size() > kPendingBytes) TRIREME_TRY(flush());
  if (data.size() > kPendingBytes) return write_through(data);
  pending_.insert(pending_.end(), data.begin(), data.end());
  return {};
}

Status AtomicFile::write(std::string_view text) { return write(std::as_bytes(std::span(text.data(), text.size()))); }

Status AtomicFile::write_zeros(uint64_t count) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  for (uint64_t left = count; left > 0;) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(left, kZeros.size()));
    TRIREME_TRY(write(std::span(kZeros).first(piece)));
    left -= piece;
  }
  return {};
}

Status AtomicFile::commit() {
  TRIREME_TRY(flush());
  if (::fsync(descriptor_) != 0 && !(!replaces_ && (errno == EINVAL || errno == EROFS))) {
    const int error = errno;
    discard();
    return io_failure(path_, "cannot be written", error);
  }
  if (replaces_ && temporary_.empty()) {
    // A nameless file can be given a free name only; the rename below then replaces what has the wanted one.
    const std::string link = descriptor_link(descriptor_);
    const int failed = with_free_name(path_, temporary_, [&](const char* name) {
      return ::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    });
    if (failed != 0) {
      temporary_.clear();
      discard();
      return io_failure(path_, "cannot be completed", failed);
    }
  }
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!closed || (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0)) {
    const int error = errno;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    return io_failure(path_, "cannot be completed", error);
  }
  return {};
}

}  // namespace trireme::runtime
