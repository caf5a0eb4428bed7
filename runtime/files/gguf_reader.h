// Reads GGUF, versions 2 and 3, little endian. Format: github.com/ggml-org/ggml, docs/gguf.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/tensor_desc.h"
#include "runtime/files/gguf_metadata.h"
#include "runtime/files/mapped_file.h"

namespace trireme::runtime {

struct GgufTensor {
  std::string name;
  Shape shape;  // slowest dimension first, the reverse of the file's order
  uint32_t type_id = 0;
  const Format* format = nullptr;   // null: an unknown type id, which only an inspecting reader lets pass
  uint64_t offset = 0;              // from the beginning of the file that holds it
  std::span<const std::byte> data;  // exactly the tensor's bytes; empty without a format
  int part = 0;                     // which file of a split model
};

struct GgufReadOptions {
  bool inspect = false;  // unknown tensor types are listed without data instead of refusing the file
};

// One file's contents. The tensors' data points into the bytes that were parsed; everything else is owned.
struct GgufContents {
  uint32_t version = 0;
  uint64_t alignment = 32;
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;
};

// Parses one file's bytes; `name` is what errors call it. Everything is checked: counts and lengths against the bytes
// that are there, duplicate keys and tensors, alignment (a power of two from 8), whole blocks, tensors that overlap or
// leave the file. Memory stays within a small multiple of the bytes. Errors: kCorruptData; kUnsupported for another
// version, big-endian files, arrays of arrays and unknown tensor types.
Result<GgufContents> parse_gguf(std::span<const std::byte> bytes, const std::string& name,
                                const GgufReadOptions& options = {});

// A GGUF model: one mapped file, or all files of a split one (name-00001-of-0000N.gguf), opened by any of them.
class GgufFile {
 public:
  static Result<GgufFile> open(const std::string& path, const GgufReadOptions& options = {});

  uint32_t version() const { return version_; }
  const GgufMetadata& metadata() const { return metadata_; }        // of the first file
  std::span<const GgufTensor> tensors() const { return tensors_; }  // of all files
  std::span<const MappedFile> parts() const { return parts_; }
  const GgufTensor* find(std::string_view name) const;  // null when absent

 private:
  GgufFile() = default;
  Status add_part(MappedFile mapped, GgufContents contents);

  std::vector<MappedFile> parts_;
  uint32_t version_ = 0;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace trireme::runtime
