// ModelFile: a model on disk, whichever way it is stored: a GGUF file (also split), or a folder in the Hugging Face
// layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/models/metadata.h"
#include "hal/prepared.h"
#include "runtime/files/gguf_reader.h"
#include "runtime/files/safetensors_reader.h"

namespace trireme::runtime {

enum class ModelKind : uint8_t {
  kGguf,         // metadata are GGUF keys: "llama.block_count"
  kHuggingFace,  // config.json, *.safetensors, tokenizer.json and their companions
};

// A tensor that can be listed but not computed with.
struct UnusableTensor {
  std::string name;
  std::string type;  // as the file names it: "I64", "type id 77"
  Shape shape;
  std::string reason;
};

struct ModelOpenOptions {
  bool inspect = false;  // unknown GGUF tensor types go to unusable_tensors() instead of refusing the file
};

// The tensors' data points into mapped files and is valid as long as the ModelFile, which may be moved.
class ModelFile {
 public:
  // `path` is a .gguf file or a folder. Errors: one line naming the file, tensor or key.
  static Result<ModelFile> open(const std::string& path, const ModelOpenOptions& options = {});

  ModelKind kind() const { return kind_; }
  const std::string& path() const { return path_; }

  // The model's own description: the GGUF keys, or config.json. Valid as long as the ModelFile.
  const graph::Metadata& metadata() const { return *metadata_; }

  // In the files' order. Data is aligned to the size of an element.
  std::span<const HostTensor> tensors() const { return tensors_; }
  std::span<const UnusableTensor> unusable_tensors() const { return unusable_; }
  const HostTensor* find(std::string_view name) const;     // null when absent
  uint64_t tensor_bytes() const { return tensor_bytes_; }  // of all usable tensors

  // Gives back the memory of the pages that hold only this part of a tensor, when a device has its own copy.
  void drop_pages(std::span<const std::byte> part) const;

  // The typed pairs of a GGUF model, for its tokenizer and for the tools; null for a folder.
  const GgufMetadata* gguf_metadata() const { return gguf_ ? &gguf_->metadata() : nullptr; }

  // The text of a file of the folder: "tokenizer.json", "tokenizer_config.json", "generation_config.json",
  // "chat_template.jinja". Empty when there is none, or for a GGUF model. Errors: kIo; kCorruptData above 256 MB.
  Result<std::optional<std::string>> companion(const std::string& name) const;

 private:
  ModelFile() = default;
  Status open_gguf(const ModelOpenOptions& options);
  Status open_folder();
  void add(const std::string& name, const Shape& shape, const Format& format, std::span<const std::byte> data);
  std::span<const std::byte> align(std::span<const std::byte> data, size_t alignment);
  std::span<const MappedFile> parts() const { return gguf_ ? gguf_->parts() : safetensors_->parts(); }

  ModelKind kind_ = ModelKind::kGguf;
  std::string path_;
  std::unique_ptr<const GgufFile> gguf_;  // this one or the next
  std::unique_ptr<const SafetensorsFile> safetensors_;
  std::unique_ptr<const graph::Metadata> metadata_;
  std::vector<HostTensor> tensors_;
  std::vector<UnusableTensor> unusable_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<std::unique_ptr<std::byte[]>> realigned_;  // copies of tensors that lie askew in their file
  uint64_t tensor_bytes_ = 0;
};

}  // namespace trireme::runtime
