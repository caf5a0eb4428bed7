#include "backends/opencl/pocl_cache.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

namespace trireme::opencl {
namespace {

namespace fs = std::filesystem;

// Folders of a kernel in PoCL's cache, which is program/kernel/sizes: of groups of any size; of one item, where no
// index begins elsewhere than at 0 and no axis has more than 65,535 groups.
constexpr const char* kAnySize = "0-0-0";
constexpr const char* kOneItem = "1-1-1-goffs0-smallgrid";

}  // namespace

Result<std::shared_ptr<const PoclCache>> PoclCache::create() {
  std::error_code none;
  std::string name = (fs::temp_directory_path(none) / "trireme-pocl-XXXXXX").string();
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

bool PoclCache::serve_groups_of_one(const std::string& kernel) const {
  bool found = false;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& any_size = entry->path();
    if (any_size.filename() != kAnySize || any_size.parent_path().filename() != kernel) continue;
    const fs::path one_item = any_size.parent_path() / kOneItem;
    if (fs::exists(one_item, error)) continue;
    fs::copy(any_size, one_item, error);
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
