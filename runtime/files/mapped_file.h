// MappedFile: a whole file in memory, read only, paged in by the operating system as it is touched.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "hal/result.h"

namespace trireme::runtime {

class MappedFile {
 public:
  // Errors: kNotFound when there is no such file; kInvalidArgument for a folder or another thing that is not a regular
  // file; kCorruptData for an empty file; kIo when the system refuses to open or map it.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  // Gives back the memory of the pages that lie wholly inside `part`, a part of bytes(). The contents stay valid: they
  // are read from the file again when touched. A part outside the mapping is left alone.
  void drop_pages(std::span<const std::byte> part) const;

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}

  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace trireme::runtime
