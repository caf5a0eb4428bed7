#include "runtime/files/gguf_writer.h"

#include <set>

#include "runtime/files/gguf_types.h"
#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

template <typename T>
Status write_plain(AtomicFile& file, T value) {
  return file.write(std::as_bytes(std::span(&value, 1)));
}

template <typename T>
Status write_element(AtomicFile& file, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    TRIREME_TRY(write_plain<uint64_t>(file, value.size()));
    return file.write(std::string_view(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return write_plain<uint8_t>(file, value ? 1 : 0);
  } else {
    return write_plain(file, value);
  }
}

template <typename T>
Status write_array(AtomicFile& file, const std::vector<T>& elements) {
  TRIREME_TRY(write_plain(file, gguf_type_id<T>()));
  TRIREME_TRY(write_plain<uint64_t>(file, elements.size()));
  for (const T& element : elements) TRIREME_TRY(write_element<T>(file, element));
  return {};
}

Status write_pair(AtomicFile& file, const GgufMetadata::Entry& entry) {
  TRIREME_TRY(write_element(file, entry.first));
  return std::visit(
      [&]<typename T>(const T& value) -> Status {
        TRIREME_TRY(write_plain(file, gguf_type_id<T>()));
        if constexpr (gguf_type_id<T>() == kGgufArray)
          return write_array(file, value);
        else
          return write_element(file, value);
      },
      entry.second);
}

uint64_t padded(uint64_t bytes) {
  return (bytes + kGgufDefaultAlignment - 1) / kGgufDefaultAlignment * kGgufDefaultAlignment;
}

Status check_plan(const std::vector<GgufTensorPlan>& tensors, const GgufMetadata& metadata) {
  const GgufValue* alignment = metadata.find("general.alignment");
  if (alignment && as_integer(*alignment) != static_cast<int64_t>(kGgufDefaultAlignment))
    return fail(ErrorCode::kInvalidArgument, "key \"general.alignment\"", "files are written with alignment 32 only");
  std::set<std::string_view> names;
  for (const GgufTensorPlan& tensor : tensors) {
    const std::string what = "tensor \"" + printable(tensor.name) + "\"";
    if (tensor.name.empty() || tensor.name.size() > kGgufMaxKeyLength)
      return fail(ErrorCode::kInvalidArgument, what, "its name has " + std::to_string(tensor.name.size()) + " bytes");
    if (!names.insert(tensor.name).second) return fail(ErrorCode::kInvalidArgument, what, "it is given twice");
    if (!tensor.desc.format || !tensor.desc.format->gguf_type)
      return fail(ErrorCode::kInvalidArgument, what, "its format cannot be stored in a GGUF file");
    if (tensor.desc.shape.elements() <= 0 || tensor.desc.shape.back() % tensor.desc.format->block_elements != 0)
      return fail(ErrorCode::kInvalidArgument, what, "a shape of " + tensor.desc.text() + " cannot be stored");
  }
  return {};
}

Status write_tensor_plan(AtomicFile& file, const GgufTensorPlan& tensor, uint64_t offset) {
  TRIREME_TRY(write_element(file, tensor.name));
  TRIREME_TRY(write_plain(file, static_cast<uint32_t>(tensor.desc.shape.rank())));
  for (int axis = tensor.desc.shape.rank() - 1; axis >= 0; --axis)
    TRIREME_TRY(write_plain(file, tensor.desc.shape[axis]));
  TRIREME_TRY(write_plain(file, *tensor.desc.format->gguf_type));
  return write_plain(file, offset);
}

}  // namespace

Result<GgufWriter> GgufWriter::create(const std::string& path, const GgufMetadata& metadata,
                                      std::vector<GgufTensorPlan> tensors) {
  TRIREME_TRY(check_plan(tensors, metadata));
  TRIREME_ASSIGN(AtomicFile file, AtomicFile::create(path));
  TRIREME_TRY(write_plain(file, kGgufMagic));
  TRIREME_TRY(write_plain<uint32_t>(file, 3));
  TRIREME_TRY(write_plain<uint64_t>(file, tensors.size()));
  TRIREME_TRY(write_plain<uint64_t>(file, metadata.entries().size()));
  for (const GgufMetadata::Entry& entry : metadata.entries()) TRIREME_TRY(write_pair(file, entry));
  uint64_t offset = 0;
  for (const GgufTensorPlan& tensor : tensors) {
    TRIREME_TRY(write_tensor_plan(file, tensor, offset));
    offset += padded(static_cast<uint64_t>(tensor.desc.bytes()));
  }
  GgufWriter writer(std::move(file), std::move(tensors));
  TRIREME_TRY(writer.pad());
  return writer;
}

GgufWriter::GgufWriter(AtomicFile file, std::vector<GgufTensorPlan> tensors)
    : file_(std::move(file)), tensors_(std::move(tensors)) {}

Status GgufWriter::pad() { return file_.write_zeros(padded(file_.position()) - file_.position()); }

Status GgufWriter::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    if (current_ == tensors_.size())
      return fail(ErrorCode::kInvalidArgument, file_.path(), "more bytes were written than its tensors have");
    const uint64_t missing = static_cast<uint64_t>(tensors_[current_].desc.bytes()) - written_;
    const std::span<const std::byte> piece = data.first(std::min<uint64_t>(missing, data.size()));
    TRIREME_TRY(file_.write(piece));
    written_ += piece.size();
    data = data.subspan(piece.size());
    if (piece.size() == missing) {
      TRIREME_TRY(pad());
      written_ = 0;
      ++current_;
    }
  }
  return {};
}

Status GgufWriter::finish() {
  if (current_ < tensors_.size())
    return fail(ErrorCode::kInvalidArgument, file_.path(),
                "tensor \"" + printable(tensors_[current_].name) + "\" was not written whole");
  return file_.commit();
}

}  // namespace trireme::runtime
