// KernelCache: built kernels in files, so that a later start need not build them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hal/kernel_device.h"

namespace trireme::compiler {

// All that a built kernel depends on.
std::string kernel_key(const Target& target, const KernelSource& source);

// Never trusts what it reads: an entry that is truncated, changed, or of another device, driver, source or version of
// this program is as good as none, and is replaced. Several processes may use one folder. What cannot be read or
// written is told at debug level, and is no error.
class KernelCache {
 public:
  // The folder is made when something is first stored.
  explicit KernelCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }

  std::optional<std::vector<std::byte>> find(const Target& target, const KernelSource& source) const;
  void store(const Target& target, const KernelSource& source, std::span<const std::byte> built) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace trireme::compiler
