// parse_safetensors: one file's bytes, each of which may be hostile.
#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include "runtime/files/byte_cursor.h"
#include "runtime/files/json.h"
#include "runtime/files/printable.h"
#include "runtime/files/safetensors_reader.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;

// Bytes of one element, of every type that the format names and that fills whole bytes.
constexpr std::array<std::pair<std::string_view, int>, 16> kTypes = {{{"BOOL", 1},
                                                                      {"U8", 1},
                                                                      {"I8", 1},
                                                                      {"F8_E5M2", 1},
                                                                      {"F8_E4M3", 1},
                                                                      {"F8_E8M0", 1},
                                                                      {"I16", 2},
                                                                      {"U16", 2},
                                                                      {"F16", 2},
                                                                      {"BF16", 2},
                                                                      {"I32", 4},
                                                                      {"U32", 4},
                                                                      {"F32", 4},
                                                                      {"F64", 8},
                                                                      {"U64", 8},
                                                                      {"I64", 8}}};

std::optional<int> element_bytes(std::string_view dtype) {
  for (const auto& [name, bytes] : kTypes)
    if (name == dtype) return bytes;
  return std::nullopt;
}

class HeaderParser {
 public:
  explicit HeaderParser(const std::string& name) : name_(name) {}

  Result<SafetensorsContents> parse(std::span<const std::byte> bytes) {
    ByteCursor cursor(bytes);
    const auto header_bytes = cursor.read<uint64_t>();
    if (!header_bytes) return corrupt("the file ends inside the header's length");
    if (*header_bytes > kMaxHeaderBytes || *header_bytes > cursor.remaining())
      return corrupt("it claims a header of " + std::to_string(*header_bytes) + " bytes, the file has " +
                     std::to_string(bytes.size()) + " (at most 100 MB are allowed)");
    const auto text = *cursor.text(*header_bytes);
    TRIREME_ASSIGN(const json header,
                   parse_json(text, name_, {.bytes = kMaxHeaderBytes, .depth = 4, .unique_keys = true}));
    if (!header.is_object()) return corrupt("its header is not a JSON object");
    data_ = *cursor.take(cursor.remaining());
    for (const auto& [key, value] : header.items())
      TRIREME_TRY(key == "__metadata__" ? parse_metadata(value) : parse_tensor(key, value));
    TRIREME_TRY(check_cover());
    return std::move(contents_);
  }

 private:
  tl::unexpected<Error> corrupt(const std::string& why) const {
    return fail(ErrorCode::kCorruptData, name_, why, "fetch the file again");
  }
  static std::string tensor_text(std::string_view name) { return "tensor \"" + printable(name) + "\""; }

  Status parse_metadata(const json& value) {
    if (!value.is_object()) return corrupt("\"__metadata__\" is not a JSON object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) return corrupt("\"__metadata__\" key \"" + printable(key) + "\" is not a string");
      contents_.metadata.emplace(key, text.get<std::string>());
    }
    return {};
  }

  Status parse_tensor(const std::string& name, const json& value) {
    const std::string what = tensor_text(name);
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets"))
      return corrupt(what + " lacks dtype, shape or data_offsets");
    if (!value["dtype"].is_string()) return corrupt(what + " has a dtype that is not a string");
    SafetensorsTensor tensor;
    tensor.name = name;
    tensor.dtype = value["dtype"].get<std::string>();
    const std::optional<int> size = element_bytes(tensor.dtype);
    if (!size)
      return fail(ErrorCode::kUnsupported, name_, what + " has the unknown dtype \"" + printable(tensor.dtype) + "\"",
                  "convert the model to another type");
    const Format* format = find_format(tensor.dtype);
    if (format && format->plain) tensor.format = format;
    TRIREME_ASSIGN(tensor.shape, parse_shape(what, value["shape"]));
    TRIREME_ASSIGN(tensor.data, parse_range(what, value["data_offsets"]));
    // Shape bounds the elements to 2^59.
    const uint64_t expected = static_cast<uint64_t>(tensor.shape.elements()) * static_cast<uint64_t>(*size);
    if (tensor.data.size() != expected)
      return corrupt(what + " " + tensor.dtype + tensor.shape.text() + " needs " + std::to_string(expected) +
                     " bytes, " + std::to_string(tensor.data.size()) + " are given");
    contents_.tensors.push_back(std::move(tensor));
    return {};
  }

  Result<Shape> parse_shape(const std::string& what, const json& value) const {
    if (!value.is_array()) return corrupt(what + " has a shape that is not a list");
    if (value.size() > static_cast<size_t>(kMaxRank))
      return fail(ErrorCode::kUnsupported, name_,
                  what + " has " + std::to_string(value.size()) + " dimensions, at most 4 are supported");
    std::vector<int64_t> sizes;
    for (const json& size : value) {
      if (!size.is_number_unsigned() || size.get<uint64_t>() > uint64_t{1} << 62)
        return corrupt(what + " has a dimension that is not a count: " + printable(size.dump(), 40));
      sizes.push_back(size.get<int64_t>());
    }
    const auto shape = Shape::from(sizes);
    if (!shape) return corrupt(what + " has more elements than can be counted");
    return *shape;
  }

  Result<std::span<const std::byte>> parse_range(const std::string& what, const json& value) const {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() || !value[1].is_number_unsigned())
      return corrupt(what + " has data_offsets that are not two counts");
    const auto begin = value[0].get<uint64_t>();
    const auto end = value[1].get<uint64_t>();
    if (begin > end || end > data_.size())
      return corrupt(what + " lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                     std::to_string(data_.size()) + " bytes of data");
    return data_.subspan(begin, end - begin);
  }

  // Sorts the tensors by their place and checks that they cover the data exactly.
  Status check_cover() {
    const auto begin = [](const SafetensorsTensor& tensor) { return tensor.data.data(); };
    std::ranges::sort(contents_.tensors, {}, [&](const SafetensorsTensor& tensor) {
      return std::tuple(begin(tensor), tensor.data.size(), std::string_view(tensor.name));
    });
    const std::byte* expected = data_.data();
    for (const SafetensorsTensor& tensor : contents_.tensors) {
      if (begin(tensor) < expected) return corrupt(tensor_text(tensor.name) + " overlaps another tensor");
      if (begin(tensor) > expected) return corrupt("a gap lies before " + tensor_text(tensor.name));
      expected = begin(tensor) + tensor.data.size();
    }
    if (expected != data_.data() + data_.size()) return corrupt("bytes lie behind the last tensor");
    return {};
  }

  const std::string& name_;
  std::span<const std::byte> data_;
  SafetensorsContents contents_;
};

}  // namespace

Result<SafetensorsContents> parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  return HeaderParser(name).parse(bytes);
}

}  // namespace trireme::runtime
