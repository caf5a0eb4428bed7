// Writes GGUF version 3, little endian, alignment 32, tensor by tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hal/tensor_desc.h"
#include "runtime/files/atomic_file.h"
#include "runtime/files/gguf_metadata.h"

namespace trireme::runtime {

// What a tensor will be; its bytes follow through GgufWriter::write().
struct GgufTensorPlan {
  std::string name;
  TensorDesc desc;
};

// The file appears under its name at finish(), whole; an error or an unfinished writer leaves nothing behind.
// Memory use does not grow with the tensors.
class GgufWriter {
 public:
  // Writes the header. `metadata` may carry general.alignment only as 32. Errors: kInvalidArgument for a tensor name
  // that is empty or taken twice, or a format without a GGUF type id; kIo.
  static Result<GgufWriter> create(const std::string& path, const GgufMetadata& metadata,
                                   std::vector<GgufTensorPlan> tensors);

  // Appends bytes of the tensors' data: all of the first, then all of the second, in pieces of any size; padding is
  // added between them. Errors: kInvalidArgument past the end of the last tensor; kIo.
  Status write(std::span<const std::byte> data);

  // Errors: kInvalidArgument when a tensor is not complete; kIo.
  Status finish();

 private:
  GgufWriter(AtomicFile file, std::vector<GgufTensorPlan> tensors);
  Status pad();

  AtomicFile file_;
  std::vector<GgufTensorPlan> tensors_;
  size_t current_ = 0;
  uint64_t written_ = 0;  // of the current tensor
};

}  // namespace trireme::runtime
