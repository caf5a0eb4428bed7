// AtomicFile: a new file that appears under its name whole, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

// Writes go to a temporary file in the same folder, which has no name where the file system allows that, so that
// nothing of it is left even when the program is killed. commit() flushes it to the disk and renames it over `path`;
// without commit() the temporary file is removed. Devices and pipes cannot be replaced and are written directly. All
// errors are kIo, with the system's reason ("No space left on device").
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  Status write(std::span<const std::byte> data);
  Status write(std::string_view text);
  Status write_zeros(uint64_t count);
  uint64_t position() const { return position_; }
  const std::string& path() const { return path_; }

  Status commit();

 private:
  AtomicFile(std::string path, std::string temporary, int descriptor, bool replaces);
  Status flush();
  Status write_through(std::span<const std::byte> data);
  void discard();

  std::string path_;
  std::string temporary_;  // empty for a device, a pipe or a file without a name
  int descriptor_ = -1;
  bool replaces_ = false;  // false for a device or pipe
  uint64_t position_ = 0;
  std::vector<std::byte> pending_;
};

}  // namespace trireme::runtime
