#include "runtime/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace trireme::runtime {
namespace {

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int value() const { return value_; }

 private:
  int value_;
};

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.value() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(ErrorCode::kNotFound, path, "no such file", "check the path");
    return fail(ErrorCode::kIo, path, "cannot be opened: " + reason(errno), "check that you may read it");
  }
  struct stat status = {};
  if (::fstat(descriptor.value(), &status) != 0)
    return fail(ErrorCode::kIo, path, "cannot be examined: " + reason(errno));
  if (S_ISDIR(status.st_mode))
    return fail(ErrorCode::kInvalidArgument, path, "it is a folder, not a file", "name a file inside it");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kInvalidArgument, path, "it is not a regular file");
  if (status.st_size == 0) return fail(ErrorCode::kCorruptData, path, "the file is empty", "fetch it again");

  const auto size = static_cast<size_t>(status.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.value(), 0);
  if (memory == MAP_FAILED) return fail(ErrorCode::kIo, path, "cannot be mapped: " + reason(errno));
  return MappedFile(path, {static_cast<const std::byte*>(memory), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::drop_pages(std::span<const std::byte> part) const {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(bytes_.data());
  const auto begin = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t end = begin + part.size();
  if (part.empty() || begin < first || end > first + bytes_.size()) return;
  const uintptr_t begin_page = (begin + page - 1) / page * page;
  // The rest of the file's last page is no other tensor's.
  const uintptr_t end_page = (end == first + bytes_.size() ? end + page - 1 : end) / page * page;
  if (begin_page < end_page) ::madvise(reinterpret_cast<void*>(begin_page), end_page - begin_page, MADV_DONTNEED);
}

}  // namespace trireme::runtime
