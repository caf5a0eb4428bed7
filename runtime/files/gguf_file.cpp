// GgufFile: the files of one model, mapped and joined.
#include <array>
#include <cstdio>
#include <optional>

#include "runtime/files/gguf_reader.h"
#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

// "name-00002-of-00003.gguf"
struct SplitName {
  std::string stem;
  int64_t count = 0;
};

std::optional<SplitName> split_name(const std::string& path) {
  constexpr size_t kTail = std::string_view("-00001-of-00001.gguf").size();
  if (path.size() < kTail) return std::nullopt;
  const std::string_view tail = std::string_view(path).substr(path.size() - kTail);
  const auto digits = [&](size_t begin) {
    return tail.substr(begin, 5).find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (tail[0] != '-' || !digits(1) || tail.substr(6, 4) != "-of-" || !digits(10) || tail.substr(15) != ".gguf")
    return std::nullopt;
  return SplitName{path.substr(0, path.size() - kTail), std::stoll(std::string(tail.substr(10, 5)))};
}

std::string part_path(const SplitName& name, int64_t part) {
  std::array<char, 32> tail{};
  std::snprintf(tail.data(), tail.size(), "-%05d-of-%05d.gguf", static_cast<int>(part + 1),
                static_cast<int>(name.count));
  return name.stem + tail.data();
}

Status check_part(const GgufContents& contents, const std::string& path, int64_t part, int64_t count) {
  const std::optional<int64_t> number = contents.metadata.integer("split.no");
  const std::optional<int64_t> parts = contents.metadata.integer("split.count");
  if (number != part || parts != count)
    return fail(ErrorCode::kCorruptData, path,
                "keys \"split.no\" and \"split.count\" do not say that it is part " + std::to_string(part + 1) +
                    " of " + std::to_string(count),
                "keep the files of a split model under their original names");
  return {};
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path, const GgufReadOptions& options) {
  GgufFile file;
  TRIREME_ASSIGN(MappedFile opened, MappedFile::open(path));
  TRIREME_ASSIGN(GgufContents contents, parse_gguf(opened.bytes(), path, options));

  const int64_t count = contents.metadata.integer("split.count").value_or(1);
  const std::optional<SplitName> name = split_name(path);
  if (count > 1 && (!name || name->count != count))
    return fail(ErrorCode::kCorruptData, path,
                "it is one of " + std::to_string(count) + " files, but its name does not say so",
                "keep the files of a split model under their original names: name-00001-of-0000N.gguf");
  if (count <= 1) {
    TRIREME_TRY(file.add_part(std::move(opened), std::move(contents)));
    return file;
  }
  for (int64_t part = 0; part < count; ++part) {
    const std::string sibling = part_path(*name, part);
    TRIREME_ASSIGN(MappedFile mapped, MappedFile::open(sibling));
    TRIREME_ASSIGN(GgufContents parsed, parse_gguf(mapped.bytes(), sibling, options));
    TRIREME_TRY(check_part(parsed, sibling, part, count));
    TRIREME_TRY(file.add_part(std::move(mapped), std::move(parsed)));
  }
  const std::optional<int64_t> tensor_count = file.metadata_.integer("split.tensors.count");
  if (tensor_count && *tensor_count != static_cast<int64_t>(file.tensors_.size()))
    return fail(ErrorCode::kCorruptData, path,
                "key \"split.tensors.count\" promises " + std::to_string(*tensor_count) + " tensors, the files hold " +
                    std::to_string(file.tensors_.size()),
                "fetch the files again");
  return file;
}

Status GgufFile::add_part(MappedFile mapped, GgufContents contents) {
  const int part = static_cast<int>(parts_.size());
  if (part == 0) {
    version_ = contents.version;
    metadata_ = std::move(contents.metadata);
  }
  for (GgufTensor& tensor : contents.tensors) {
    if (!index_.emplace(tensor.name, tensors_.size()).second)
      return fail(ErrorCode::kCorruptData, mapped.path(),
                  "tensor \"" + printable(tensor.name) + "\" is also in another file of the model",
                  "fetch the files again");
    tensor.part = part;
    tensors_.push_back(std::move(tensor));
  }
  parts_.push_back(std::move(mapped));
  return {};
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace trireme::runtime
