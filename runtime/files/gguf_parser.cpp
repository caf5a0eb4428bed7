// parse_gguf: one file's bytes, each of which may be hostile.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "runtime/files/byte_cursor.h"
#include "runtime/files/gguf_reader.h"
#include "runtime/files/gguf_types.h"
#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

constexpr uint64_t kSmallestPair = 8 + 4 + 1;        // length of the key, type, a one-byte value
constexpr uint64_t kSmallestTensor = 8 + 4 + 4 + 8;  // length of the name, rank, type, offset

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& name, const GgufReadOptions& options)
      : size_(bytes.size()), bytes_(bytes), cursor_(bytes), name_(name), options_(options) {}

  Result<GgufContents> parse() {
    TRIREME_TRY(parse_header());
    for (uint64_t i = 0; i < pair_count_; ++i) TRIREME_TRY(parse_pair());
    TRIREME_TRY(parse_alignment());
    contents_.tensors.reserve(tensor_count_);
    for (uint64_t i = 0; i < tensor_count_; ++i) TRIREME_TRY(parse_tensor());
    TRIREME_TRY(place_tensors());
    return std::move(contents_);
  }

 private:
  tl::unexpected<Error> corrupt(const std::string& why) const {
    return fail(ErrorCode::kCorruptData, name_, why, "fetch the file again");
  }
  tl::unexpected<Error> truncated(const std::string& where) const {
    return corrupt("the file ends inside " + where + ", at byte " + std::to_string(size_));
  }
  static std::string key_text(std::string_view key) { return "key \"" + printable(key) + "\""; }
  static std::string tensor_text(std::string_view name) { return "tensor \"" + printable(name) + "\""; }

  Status parse_header() {
    const auto magic = cursor_.read<uint32_t>();
    if (!magic || *magic != kGgufMagic)
      return fail(ErrorCode::kCorruptData, name_, "not a GGUF file: it does not begin with \"GGUF\"",
                  "name a .gguf file or a folder with config.json");
    const auto version = cursor_.read<uint32_t>();
    if (!version) return truncated("the header");
    if ((*version & 0xffff) == 0)
      return fail(ErrorCode::kUnsupported, name_, "it is a big-endian GGUF file", "convert it to little endian");
    if (*version < 2 || *version > 3)
      return fail(ErrorCode::kUnsupported, name_,
                  "GGUF version " + std::to_string(*version) + ", only 2 and 3 can be read", "convert it again");
    contents_.version = *version;

    const auto tensors = cursor_.read<uint64_t>();
    const auto pairs = cursor_.read<uint64_t>();
    if (!tensors || !pairs) return truncated("the header");
    if (*pairs > cursor_.remaining() / kSmallestPair)
      return corrupt("it claims " + std::to_string(*pairs) + " metadata keys in " + std::to_string(size_) + " bytes");
    if (*tensors > cursor_.remaining() / kSmallestTensor)
      return corrupt("it claims " + std::to_string(*tensors) + " tensors in " + std::to_string(size_) + " bytes");
    tensor_count_ = *tensors;
    pair_count_ = *pairs;
    return {};
  }

  // A string with its length before it; empty when it leaves the file.
  std::optional<std::string_view> parse_text() {
    const auto length = cursor_.read<uint64_t>();
    return length ? cursor_.text(*length) : std::nullopt;
  }

  Status parse_pair() {
    const auto key = parse_text();
    if (!key) return truncated("the metadata's keys");
    if (key->empty() || key->size() > kGgufMaxKeyLength)
      return corrupt("a metadata key has " + std::to_string(key->size()) + " bytes, 1 to 65535 are allowed");
    const auto type = cursor_.read<uint32_t>();
    if (!type) return truncated(key_text(*key));
    Result<GgufValue> value = *type == kGgufArray ? parse_array(*key) : parse_scalar(*key, *type);
    if (!value) return fail(std::move(value).error());
    if (!contents_.metadata.add(std::string(*key), std::move(*value))) return corrupt(key_text(*key) + " occurs twice");
    return {};
  }

  template <typename T>
  std::optional<T> parse_value() {
    if constexpr (std::is_same_v<T, std::string>) {
      const auto text = parse_text();
      return text ? std::optional<std::string>(*text) : std::nullopt;
    } else if constexpr (std::is_same_v<T, bool>) {
      const auto byte = cursor_.read<uint8_t>();
      return byte ? std::optional(*byte != 0) : std::nullopt;
    } else {
      return cursor_.read<T>();
    }
  }

  Result<GgufValue> parse_scalar(std::string_view key, uint32_t type) {
    std::optional<GgufValue> parsed;
    const bool known = visit_gguf_type(type, [&]<typename T>(T) {
      if (auto value = parse_value<T>()) parsed = GgufValue(std::in_place_type<T>, std::move(*value));
    });
    if (!known) return corrupt(key_text(key) + " has the unknown value type " + std::to_string(type));
    if (!parsed) return truncated(key_text(key));
    return std::move(*parsed);
  }

  Result<GgufValue> parse_array(std::string_view key) {
    const auto type = cursor_.read<uint32_t>();
    const auto count = cursor_.read<uint64_t>();
    if (!type || !count) return truncated(key_text(key));
    if (*type == kGgufArray)
      return fail(ErrorCode::kUnsupported, name_, key_text(key) + " is an array of arrays, which no known model uses");
    std::optional<GgufValue> parsed;
    bool fits = true;
    const bool known = visit_gguf_type(*type, [&]<typename T>(T) {
      constexpr uint64_t kSmallest = std::is_same_v<T, std::string> ? 8 : sizeof(T);
      fits = *count <= cursor_.remaining() / kSmallest;
      if (!fits) return;
      std::vector<T> elements;
      elements.reserve(*count);
      for (uint64_t i = 0; i < *count; ++i) {
        auto element = parse_value<T>();
        if (!element) return;
        elements.push_back(std::move(*element));
      }
      parsed = GgufValue(std::in_place_type<std::vector<T>>, std::move(elements));
    });
    if (!known) return corrupt(key_text(key) + " has the unknown element type " + std::to_string(*type));
    if (!fits)
      return corrupt(key_text(key) + " claims " + std::to_string(*count) + " elements, more than the file holds");
    if (!parsed) return truncated(key_text(key));
    return std::move(*parsed);
  }

  Status parse_alignment() {
    const GgufValue* value = contents_.metadata.find("general.alignment");
    if (!value) return {};
    const std::optional<int64_t> alignment = as_integer(*value);
    if (!alignment || *alignment < 8 || *alignment > (int64_t{1} << 30) || (*alignment & (*alignment - 1)) != 0)
      return corrupt("key \"general.alignment\" is not a power of two from 8 to 2^30");
    contents_.alignment = static_cast<uint64_t>(*alignment);
    return {};
  }

  Status parse_tensor() {
    const auto name = parse_text();
    if (!name) return truncated("the list of tensors");
    if (name->empty() || name->size() > kGgufMaxKeyLength)
      return corrupt("a tensor's name has " + std::to_string(name->size()) + " bytes, 1 to 65535 are allowed");
    const auto rank = cursor_.read<uint32_t>();
    if (!rank) return truncated(tensor_text(*name));
    if (*rank > static_cast<uint32_t>(kMaxRank))
      return corrupt(tensor_text(*name) + " has " + std::to_string(*rank) + " dimensions, at most 4 are allowed");
    std::array<int64_t, kMaxRank> sizes{};
    for (uint32_t axis = 0; axis < *rank; ++axis) {
      const auto size = cursor_.read<int64_t>();
      if (!size) return truncated(tensor_text(*name));
      if (*size <= 0)
        return corrupt(tensor_text(*name) + " has a dimension of size " + std::to_string(uint64_t(*size)));
      sizes[*rank - 1 - axis] = *size;
    }
    const auto shape = Shape::from(std::span(sizes).first(*rank));
    if (!shape) return corrupt(tensor_text(*name) + " has more elements than can be counted");
    const auto type = cursor_.read<uint32_t>();
    const auto offset = cursor_.read<uint64_t>();
    if (!type || !offset) return truncated(tensor_text(*name));
    if (!names_.insert(*name).second) return corrupt(tensor_text(*name) + " occurs twice");

    GgufTensor tensor;
    tensor.name = std::string(*name);
    tensor.shape = *shape;
    tensor.type_id = *type;
    tensor.format = find_gguf_format(*type);
    tensor.offset = *offset;
    if (!tensor.format && !options_.inspect)
      return fail(ErrorCode::kUnsupported, name_,
                  tensor_text(*name) + " is stored in the unknown format with type id " + std::to_string(*type),
                  "convert the model to another format");
    contents_.tensors.push_back(std::move(tensor));
    return {};
  }

  // Turns offsets within the data section into spans of the file, and checks that no two overlap.
  Status place_tensors() {
    if (contents_.tensors.empty()) return {};
    const uint64_t mask = contents_.alignment - 1;
    const uint64_t data_begin = (cursor_.position() + mask) & ~mask;
    for (GgufTensor& tensor : contents_.tensors) TRIREME_TRY(place(tensor, data_begin));

    std::vector<const GgufTensor*> in_order;
    for (const GgufTensor& tensor : contents_.tensors) in_order.push_back(&tensor);
    std::ranges::sort(in_order, {}, [](const GgufTensor* tensor) { return tensor->offset; });
    for (size_t i = 1; i < in_order.size(); ++i) {
      const GgufTensor& before = *in_order[i - 1];
      if (before.offset + std::max<uint64_t>(before.data.size(), 1) > in_order[i]->offset)
        return corrupt(tensor_text(in_order[i]->name) + " overlaps " + tensor_text(before.name));
    }
    return {};
  }

  Status place(GgufTensor& tensor, uint64_t data_begin) {
    if ((tensor.offset & (contents_.alignment - 1)) != 0)
      return corrupt(tensor_text(tensor.name) + " lies at offset " + std::to_string(tensor.offset) +
                     ", which is not a multiple of the alignment " + std::to_string(contents_.alignment));
    if (data_begin > size_ || tensor.offset > size_ - data_begin) return leaves_file(tensor);
    tensor.offset += data_begin;
    if (!tensor.format) return {};
    if (tensor.shape.back() % tensor.format->block_elements != 0)
      return corrupt(tensor_text(tensor.name) + " has rows of " + std::to_string(tensor.shape.back()) +
                     " elements, but " + tensor.format->name + " packs " +
                     std::to_string(tensor.format->block_elements) + " together");
    // Shape bounds the elements to 2^59, so that no format's byte count overflows.
    const auto bytes = static_cast<uint64_t>(TensorDesc{tensor.shape, tensor.format}.bytes());
    if (bytes > size_ - tensor.offset) return leaves_file(tensor);
    tensor.data = bytes_.subspan(tensor.offset, bytes);
    return {};
  }

  tl::unexpected<Error> leaves_file(const GgufTensor& tensor) const {
    return corrupt(tensor_text(tensor.name) + " " + tensor.shape.text() + " leaves the file, which has " +
                   std::to_string(size_) + " bytes");
  }

  uint64_t size_;
  std::span<const std::byte> bytes_;
  ByteCursor cursor_;
  const std::string& name_;
  const GgufReadOptions& options_;
  uint64_t tensor_count_ = 0;
  uint64_t pair_count_ = 0;
  std::unordered_set<std::string_view> names_;
  GgufContents contents_;
};

}  // namespace

Result<GgufContents> parse_gguf(std::span<const std::byte> bytes, const std::string& name,
                                const GgufReadOptions& options) {
  return Parser(bytes, name, options).parse();
}

}  // namespace trireme::runtime
