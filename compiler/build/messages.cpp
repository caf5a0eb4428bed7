#include "compiler/build/messages.h"

#include <algorithm>

namespace trireme::compiler {
namespace {

// Changes whenever program and worker of two versions would misunderstand each other.
constexpr uint32_t kProtocol = 0x54524B31;

enum class MessageKind : uint8_t { kOpen = 1, kBuild = 2, kBuilt = 3, kFailed = 4 };

constexpr uint32_t kMostContext = 64;
constexpr auto kLastCode = uint32_t(ErrorCode::kInternal);

class MessageWriter {
 public:
  explicit MessageWriter(MessageKind kind) {
    number(kProtocol);
    bytes_.push_back(std::byte(kind));
  }
  void number(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(std::byte(value >> shift));
  }
  void text(std::string_view value) { block(std::as_bytes(std::span(value))); }
  void block(std::span<const std::byte> value) {
    number(uint32_t(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// After what is missing or wrong, all is zero, and end() fails.
class MessageReader {
 public:
  explicit MessageReader(std::span<const std::byte> rest) : rest_(rest) {
    if (number() != kProtocol) good_ = false;
  }
  MessageKind kind() {
    const auto byte = take(1);
    return byte.empty() ? MessageKind{} : MessageKind(byte[0]);
  }
  uint32_t number() {
    uint32_t value = 0;
    const auto bytes = take(sizeof(value));
    for (size_t i = 0; i < bytes.size(); ++i) value |= uint32_t(bytes[i]) << (8 * i);
    return value;
  }
  // At most `most`.
  uint32_t number_to(uint32_t most) {
    const uint32_t value = number();
    if (value > most) good_ = false;
    return good_ ? value : 0;
  }
  std::span<const std::byte> block() { return take(number()); }
  std::string text() {
    const auto bytes = block();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  Status end(const char* what) const {
    if (good_ && rest_.empty()) return {};
    return fail(ErrorCode::kCorruptData, what, good_ ? "bytes follow it" : "it is truncated or of another version");
  }

 private:
  std::span<const std::byte> take(size_t bytes) {
    if (!good_ || bytes > rest_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool good_ = true;
};

Error read_error(MessageReader& reader) {
  const auto code = ErrorCode(reader.number_to(kLastCode));
  const std::string what = reader.text(), why = reader.text(), remedy = reader.text();
  Error error(code, what, why, remedy);
  for (uint32_t left = reader.number_to(kMostContext); left > 0; --left) error.add_context(reader.text());
  return error;
}

}  // namespace

std::vector<std::byte> encode(const BuildRequest& request) {
  if (const auto* const open = std::get_if<OpenRequest>(&request)) {
    MessageWriter writer(MessageKind::kOpen);
    for (const std::string* text : {&open->device, &open->library, &open->build_key}) writer.text(*text);
    return writer.take();
  }
  const auto& source = std::get<KernelSource>(request);
  MessageWriter writer(MessageKind::kBuild);
  for (const uint32_t number : {source.group_size, source.buffers, source.launch_words, source.subgroup_size})
    writer.number(number);
  writer.text(source.entry);
  writer.text(source.code);
  return writer.take();
}

std::vector<std::byte> encode(const BuildAnswer& answer) {
  if (answer) {
    MessageWriter writer(MessageKind::kBuilt);
    writer.block(*answer);
    return writer.take();
  }
  const Error& error = answer.error();
  MessageWriter writer(MessageKind::kFailed);
  writer.number(uint32_t(error.code()));
  for (const std::string* text : {&error.what(), &error.why(), &error.remedy()}) writer.text(*text);
  const auto count = uint32_t(std::min<size_t>(error.context().size(), kMostContext));
  writer.number(count);
  for (uint32_t i = 0; i < count; ++i) writer.text(error.context()[i]);
  return writer.take();
}

Result<BuildRequest> decode_request(std::span<const std::byte> payload) {
  MessageReader reader(payload);
  BuildRequest request;
  switch (reader.kind()) {
    case MessageKind::kOpen: {
      auto& open = request.emplace<OpenRequest>();
      for (std::string* text : {&open.device, &open.library, &open.build_key}) *text = reader.text();
      break;
    }
    case MessageKind::kBuild: {
      auto& source = request.emplace<KernelSource>();
      for (uint32_t* number : {&source.group_size, &source.buffers, &source.launch_words, &source.subgroup_size})
        *number = reader.number();
      source.entry = reader.text();
      source.code = reader.text();
      break;
    }
    default: return fail(ErrorCode::kCorruptData, "request to a kernel builder", "it is of no known kind");
  }
  TRIREME_TRY(reader.end("request to a kernel builder"));
  return request;
}

Result<BuildAnswer> decode_answer(std::span<const std::byte> payload) {
  constexpr char kWhat[] = "answer of a kernel builder";
  MessageReader reader(payload);
  BuildAnswer answer;
  switch (reader.kind()) {
    case MessageKind::kBuilt: {
      const auto built = reader.block();
      answer->assign(built.begin(), built.end());
      break;
    }
    case MessageKind::kFailed: answer = fail(read_error(reader)); break;
    default: return fail(ErrorCode::kCorruptData, kWhat, "it is of no known kind");
  }
  TRIREME_TRY(reader.end(kWhat));
  return answer;
}

}  // namespace trireme::compiler
