#include "runtime/files/model_file.h"

#include <cstring>
#include <filesystem>

#include "runtime/files/json.h"
#include "runtime/files/model_metadata.h"

namespace trireme::runtime {
namespace {

constexpr size_t kMaxCompanionBytes = size_t{256} << 20;

std::string in_folder(const std::string& folder, std::string_view name) {
  return (std::filesystem::path(folder) / name).string();
}

Result<std::string> find_weights(const std::string& folder) {
  for (const std::string_view name : {"model.safetensors", "model.safetensors.index.json"}) {
    std::error_code ignored;
    const std::string path = in_folder(folder, name);
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return fail(ErrorCode::kNotFound, folder, "it holds no model.safetensors and no model.safetensors.index.json",
              "name a .gguf file, or a folder with config.json and *.safetensors");
}

}  // namespace

Result<ModelFile> ModelFile::open(const std::string& path, const ModelOpenOptions& options) {
  ModelFile model;
  model.path_ = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    TRIREME_TRY(model.open_folder());
  else
    TRIREME_TRY(model.open_gguf(options));
  return model;
}

Status ModelFile::open_gguf(const ModelOpenOptions& options) {
  TRIREME_ASSIGN(GgufFile file, GgufFile::open(path_, {.inspect = options.inspect}));
  gguf_ = std::make_unique<const GgufFile>(std::move(file));
  metadata_ = view_gguf_metadata(gguf_->metadata());
  for (const GgufTensor& tensor : gguf_->tensors()) {
    if (tensor.format)
      add(tensor.name, tensor.shape, *tensor.format, tensor.data);
    else
      unusable_.push_back({tensor.name, "type id " + std::to_string(tensor.type_id), tensor.shape, "unknown format"});
  }
  return {};
}

Status ModelFile::open_folder() {
  kind_ = ModelKind::kHuggingFace;
  const std::string config_path = in_folder(path_, "config.json");
  Result<nlohmann::json> config = read_json(config_path, {.unique_keys = true});
  if (!config && config.error().code() == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound, path_, "it holds no config.json",
                "name a .gguf file, or a folder with config.json and *.safetensors");
  if (!config) return fail(std::move(config).error());
  TRIREME_ASSIGN(metadata_, flatten_config(*config, config_path));

  TRIREME_ASSIGN(const std::string weights, find_weights(path_));
  TRIREME_ASSIGN(SafetensorsFile file, SafetensorsFile::open(weights));
  safetensors_ = std::make_unique<const SafetensorsFile>(std::move(file));
  for (const SafetensorsTensor& tensor : safetensors_->tensors()) {
    if (tensor.format)
      add(tensor.name, tensor.shape, *tensor.format,
          align(tensor.data, static_cast<size_t>(dtype_size(*tensor.format->plain))));
    else
      unusable_.push_back({tensor.name, tensor.dtype, tensor.shape, "a type that is not computed with"});
  }
  return {};
}

void ModelFile::add(const std::string& name, const Shape& shape, const Format& format,
                    std::span<const std::byte> data) {
  index_.emplace(name, tensors_.size());
  tensor_bytes_ += data.size();
  tensors_.push_back({.desc = {.shape = shape, .format = &format}, .data = data, .planes = {}, .name = name});
}

std::span<const std::byte> ModelFile::align(std::span<const std::byte> data, size_t alignment) {
  if (data.empty() || reinterpret_cast<uintptr_t>(data.data()) % alignment == 0) return data;
  auto copy = std::make_unique<std::byte[]>(data.size());
  std::memcpy(copy.get(), data.data(), data.size());
  realigned_.push_back(std::move(copy));
  return {realigned_.back().get(), data.size()};
}

const HostTensor* ModelFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void ModelFile::drop_pages(std::span<const std::byte> part) const {
  for (const MappedFile& file : parts()) file.drop_pages(part);
}

Result<std::optional<std::string>> ModelFile::companion(const std::string& name) const {
  if (kind_ == ModelKind::kGguf) return std::nullopt;
  Result<MappedFile> file = MappedFile::open(in_folder(path_, name));
  if (!file && file.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!file) return fail(std::move(file).error());
  if (file->bytes().size() > kMaxCompanionBytes)
    return fail(ErrorCode::kCorruptData, file->path(), "it is larger than 256 MB");
  return std::string(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
}

}  // namespace trireme::runtime
