// Reads safetensors files, single and sharded. Format: github.com/huggingface/safetensors, README, "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/tensor_desc.h"
#include "runtime/files/mapped_file.h"

namespace trireme::runtime {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;  // as the file names it: F32 F16 BF16 F8_E4M3 I64 I32 I16 I8 U8 BOOL ...
  Shape shape;
  const Format* format = nullptr;   // null: a type that can be listed but not computed with (I64, ...)
  std::span<const std::byte> data;  // exactly the tensor's bytes, possibly unaligned
  int part = 0;                     // which shard
};

struct SafetensorsContents {
  std::map<std::string, std::string, std::less<>> metadata;  // "__metadata__"
  std::vector<SafetensorsTensor> tensors;                    // in the order of their bytes
};

// Parses one file's bytes; `name` is what errors call it. As the format demands, the tensors must cover the data
// exactly: no overlap, no gap, nothing behind the last one. Errors: kCorruptData; kUnsupported for an unknown dtype or
// more than four dimensions. The header is limited to 100 MB, as in the official reader.
Result<SafetensorsContents> parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

// One mapped file, or all shards that an index names.
class SafetensorsFile {
 public:
  // `path` is a .safetensors file, or an index (model.safetensors.index.json) whose shards lie next to it. Errors:
  // those of MappedFile::open and parse_safetensors; kCorruptData when index and shards disagree or a name occurs
  // twice.
  static Result<SafetensorsFile> open(const std::string& path);

  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }  // of the first shard
  std::span<const SafetensorsTensor> tensors() const { return tensors_; }
  std::span<const MappedFile> parts() const { return parts_; }
  const SafetensorsTensor* find(std::string_view name) const;  // null when absent

 private:
  SafetensorsFile() = default;
  Status add_part(const std::string& path);

  std::vector<MappedFile> parts_;
  std::map<std::string, std::string, std::less<>> metadata_;
  std::vector<SafetensorsTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace trireme::runtime
