// Writes a safetensors file, tensor by tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "hal/tensor_desc.h"
#include "runtime/files/atomic_file.h"

namespace trireme::runtime {

struct SafetensorsPlan {
  std::string name;
  TensorDesc desc;  // of a format whose elements are stored as themselves
};

// The file appears under its name at finish(), whole; an error or an unfinished writer leaves nothing behind.
class SafetensorsWriter {
 public:
  // Writes the header; the data begins at a multiple of 8. Errors: kInvalidArgument for a name that is empty,
  // "__metadata__", not UTF-8 or taken twice, or a format that safetensors cannot hold; kIo.
  static Result<SafetensorsWriter> create(const std::string& path, std::vector<SafetensorsPlan> tensors,
                                          const std::map<std::string, std::string>& metadata = {});

  // Appends bytes of the tensors' data, one tensor after the other, in pieces of any size.
  // Errors: kInvalidArgument past the end of the last tensor; kIo.
  Status write(std::span<const std::byte> data);

  // Errors: kInvalidArgument when bytes are missing; kIo.
  Status finish();

 private:
  SafetensorsWriter(AtomicFile file, uint64_t missing) : file_(std::move(file)), missing_(missing) {}

  AtomicFile file_;
  uint64_t missing_ = 0;
};

}  // namespace trireme::runtime
