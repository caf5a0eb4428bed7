// PoclCache: where PoCL keeps what it builds, in a process that does nothing but build.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "hal/result.h"

namespace trireme::opencl {

class PoclCache {
 public:
  // An empty folder of its own, of which PoCL hears by its variable POCL_CACHE_DIR: it must not have been asked for
  // devices before. Removes those of processes that were killed. Errors: kIo.
  static Result<std::shared_ptr<const PoclCache>> create();
  // `lock` is a descriptor that others see to be in use, or -1.
  PoclCache(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  // Removes the folder.
  ~PoclCache();
  PoclCache(const PoclCache&) = delete;
  PoclCache& operator=(const PoclCache&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  // A binary of PoCL's has the kernel for groups of any size, which nobody launches: where a kernel is launched, PoCL
  // builds it again for the size that its groups have. Puts the one for any size, which is as fast where the text says
  // the size, where PoCL looks for the one of groups of `items`, so that a binary of the same text has both. False
  // where PoCL built none.
  bool serve_groups_of(uint32_t items, const std::string& kernel) const;
  // Forgets what was built.
  void clear() const;

 private:
  std::filesystem::path folder_;
  int lock_;
};

}  // namespace trireme::opencl
