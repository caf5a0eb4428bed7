#include "runtime/files/safetensors_writer.h"

#include <set>

#include "runtime/files/json.h"
#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

using nlohmann::ordered_json;

// What the format calls a type; empty where it has no name for it.
std::string_view safetensors_dtype(const Format* format) {
  if (!format || !format->plain) return {};
  switch (*format->plain) {
    case DType::kF32: return "F32";
    case DType::kF16: return "F16";
    case DType::kBF16: return "BF16";
    case DType::kF8E4M3: return "F8_E4M3";
    case DType::kI32: return "I32";
    case DType::kI16: return "I16";
    case DType::kI8: return "I8";
    case DType::kU8: return "U8";
  }
  return {};
}

}  // namespace

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path, std::vector<SafetensorsPlan> tensors,
                                                    const std::map<std::string, std::string>& metadata) {
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const SafetensorsPlan& tensor : tensors) {
    const std::string what = "tensor \"" + printable(tensor.name) + "\"";
    const std::string_view dtype = safetensors_dtype(tensor.desc.format);
    if (tensor.name.empty() || tensor.name == "__metadata__")
      return fail(ErrorCode::kInvalidArgument, what, "this name is not allowed");
    if (!names.insert(tensor.name).second) return fail(ErrorCode::kInvalidArgument, what, "it is given twice");
    if (dtype.empty())
      return fail(ErrorCode::kInvalidArgument, what, "its format cannot be stored in a safetensors file");
    std::vector<int64_t> sizes;
    for (int axis = 0; axis < tensor.desc.shape.rank(); ++axis) sizes.push_back(tensor.desc.shape[axis]);
    const uint64_t end = offset + static_cast<uint64_t>(tensor.desc.bytes());
    header[tensor.name] = {{"dtype", dtype}, {"shape", sizes}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const ordered_json::exception&) {
    return fail(ErrorCode::kInvalidArgument, path, "a tensor's name or the metadata are not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  TRIREME_ASSIGN(AtomicFile file, AtomicFile::create(path));
  const uint64_t header_bytes = text.size();
  TRIREME_TRY(file.write(std::as_bytes(std::span(&header_bytes, 1))));
  TRIREME_TRY(file.write(std::string_view(text)));
  return SafetensorsWriter(std::move(file), offset);
}

Status SafetensorsWriter::write(std::span<const std::byte> data) {
  if (data.size() > missing_)
    return fail(ErrorCode::kInvalidArgument, file_.path(), "more bytes were written than its tensors have");
  missing_ -= data.size();
  return file_.write(data);
}

Status SafetensorsWriter::finish() {
  if (missing_ > 0)
    return fail(ErrorCode::kInvalidArgument, file_.path(),
                std::to_string(missing_) + " bytes of its tensors are missing");
  return file_.commit();
}

}  // namespace trireme::runtime
