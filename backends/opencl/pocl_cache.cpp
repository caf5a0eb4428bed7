#include "backends/opencl/pocl_cache.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace trireme::opencl {
namespace {

namespace fs = std::filesystem;

// Folders of a kernel in PoCL's cache, which is program/kernel/sizes: of groups of any size; of one, where no index
// begins elsewhere than at 0 and no axis has more than 65,535 groups.
constexpr const char* kAnySize = "0-0-0";
constexpr const char* kOneSize = "-1-1-goffs0-smallgrid";

constexpr std::string_view kName = "trireme-pocl-";  // then the process that made it

bool is_of_dead(const std::string& name) {
  if (!name.starts_with(kName)) return false;
  pid_t process = 0;
  const char* const digits = name.data() + kName.size();
  const auto [end, error] = std::from_chars(digits, name.data() + name.size(), process);
  return error == std::errc() && end != digits && *end == '-' && process > 0 && ::kill(process, 0) != 0 &&
         errno == ESRCH;
}

// What cannot be removed is somebody else's.
void remove_those_of_dead(const fs::path& parent) {
  std::error_code ignored, error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error))
    if (is_of_dead(entry->path().filename().string())) fs::remove_all(entry->path(), ignored);
}

}  // namespace

Result<std::shared_ptr<const PoclCache>> PoclCache::create() {
  std::error_code none;
  const fs::path parent = fs::temp_directory_path(none);
  if (none)
    return fail(ErrorCode::kIo, "folder for temporary files", none.message(), "name one that is there by TMPDIR");
  remove_those_of_dead(parent);
  std::string name = (parent / (std::string(kName) + std::to_string(::getpid()) + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::kIo, name, std::string("no folder for building kernels: ") + std::strerror(errno),
                "make room, or name a folder for temporary files by TMPDIR");
  auto made = std::make_shared<const PoclCache>(name);
  if (::setenv("POCL_CACHE_DIR", name.c_str(), 1) != 0)
    return fail(ErrorCode::kIo, "POCL_CACHE_DIR", std::strerror(errno));
  return made;
}

PoclCache::~PoclCache() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
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
