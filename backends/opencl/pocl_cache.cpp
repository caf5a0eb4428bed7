#include "backends/opencl/pocl_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

namespace trireme::opencl {
namespace {

namespace fs = std::filesystem;

// Folders of a kernel in PoCL's cache, which is program/kernel/sizes: of groups of any size; of one, where no index
// begins elsewhere than at 0 and no axis has more than 65,535 groups.
constexpr const char* kAnySize = "0-0-0";
constexpr const char* kOneSize = "-1-1-goffs0-smallgrid";

constexpr std::string_view kName = "trireme-pocl-";
// Younger ones may not be locked yet.
constexpr std::chrono::minutes kOld{1};

// Locks the folder, for as long as the descriptor is open; -1 where somebody else has it or it cannot be opened.
int lock(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

// What processes that were killed have left. What cannot be removed is somebody else's.
void remove_left_ones(const fs::path& parent) {
  std::error_code ignored, error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(kName)) continue;
    const auto changed = entry->last_write_time(ignored);
    if (ignored || fs::file_time_type::clock::now() - changed < kOld) continue;
    const int descriptor = lock(entry->path());
    if (descriptor < 0) continue;
    fs::remove_all(entry->path(), ignored);
    ::close(descriptor);
  }
}

}  // namespace

Result<std::shared_ptr<const PoclCache>> PoclCache::create() {
  std::error_code none;
  const fs::path parent = fs::temp_directory_path(none);
  if (none)
    return fail(ErrorCode::kIo, "folder for temporary files", none.message(), "name one that is there by TMPDIR");
  remove_left_ones(parent);
  std::string name = (parent / (std::string(kName) + "XXXXXX")).string();
  const bool made = ::mkdtemp(name.data()) != nullptr;
  const int descriptor = made ? lock(name) : -1;
  if (descriptor < 0)
    return fail(ErrorCode::kIo, name, std::string("no folder for building kernels: ") + std::strerror(errno),
                "make room, or name a folder for temporary files by TMPDIR");
  auto cache = std::make_shared<const PoclCache>(name, descriptor);
  if (::setenv("POCL_CACHE_DIR", name.c_str(), 1) != 0)
    return fail(ErrorCode::kIo, "POCL_CACHE_DIR", std::strerror(errno));
  return cache;
}

PoclCache::~PoclCache() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

bool PoclCache::serve_groups_of(uint32_t items, const std::string& kernel) const {
  bool found = false;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& any_size = entry->path();
    if (any_size.filename() != kAnySize || any_size.parent_path().filename() != kernel) continue;
    const fs::path one_size = any_size.parent_path() / (std::to_string(items) + kOneSize);
    if (fs::exists(one_size, error)) continue;
    fs::copy(any_size, one_size, error);
    found = found || !error;
  }
  return found;
}

void PoclCache::clear() const {
  std::error_code ignored;
  for (fs::directory_iterator entry(folder_, ignored), end; !ignored && entry != end; entry.increment(ignored))
    fs::remove_all(entry->path(), ignored);
}

}  // namespace trireme::opencl
