// SafetensorsFile: one file or the shards of an index, mapped and joined.
#include <filesystem>
#include <set>

#include "runtime/files/json.h"
#include "runtime/files/printable.h"
#include "runtime/files/safetensors_reader.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

constexpr size_t kMaxIndexBytes = size_t{64} << 20;

// A shard is a file next to its index: a name that leads elsewhere is hostile.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Result<std::map<std::string, std::string>> read_weight_map(const std::string& path) {
  TRIREME_ASSIGN(const json index, read_json(path, {.bytes = kMaxIndexBytes, .depth = 8, .unique_keys = true}));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return fail(ErrorCode::kCorruptData, path, "it has no \"weight_map\"", "fetch the file again");
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string() || !is_plain_name(shard.get<std::string>()))
      return fail(ErrorCode::kCorruptData, path,
                  "tensor \"" + printable(tensor) + "\" is not assigned to a file of the same folder",
                  "fetch the file again");
    shard_of.emplace(tensor, shard.get<std::string>());
  }
  return shard_of;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file;
  if (!path.ends_with(".json")) {
    TRIREME_TRY(file.add_part(path));
    return file;
  }
  TRIREME_ASSIGN(const auto shard_of, read_weight_map(path));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : shard_of) shards.insert(shard);
  for (const std::string& shard : shards)
    TRIREME_TRY(file.add_part((std::filesystem::path(path).parent_path() / shard).string()));
  for (const auto& [name, shard] : shard_of) {
    const SafetensorsTensor* tensor = file.find(name);
    if (!tensor || std::filesystem::path(file.parts_[static_cast<size_t>(tensor->part)].path()).filename() != shard)
      return fail(ErrorCode::kCorruptData, path, "tensor \"" + printable(name) + "\" is not in " + printable(shard),
                  "fetch the files again");
  }
  return file;
}

Status SafetensorsFile::add_part(const std::string& path) {
  TRIREME_ASSIGN(MappedFile mapped, MappedFile::open(path));
  TRIREME_ASSIGN(SafetensorsContents contents, parse_safetensors(mapped.bytes(), path));
  const int part = static_cast<int>(parts_.size());
  if (part == 0) metadata_ = std::move(contents.metadata);
  for (SafetensorsTensor& tensor : contents.tensors) {
    if (!index_.emplace(tensor.name, tensors_.size()).second)
      return fail(ErrorCode::kCorruptData, path,
                  "tensor \"" + printable(tensor.name) + "\" is also in another file of the model",
                  "fetch the files again");
    tensor.part = part;
    tensors_.push_back(std::move(tensor));
  }
  parts_.push_back(std::move(mapped));
  return {};
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace trireme::runtime
