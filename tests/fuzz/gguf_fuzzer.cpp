// Whatever the bytes are, a GGUF file is refused with an error or yields tensors that lie inside it, apart.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "runtime/files/gguf_reader.h"
#include "runtime/files/model_metadata.h"

namespace {

using trireme::runtime::GgufContents;
using trireme::runtime::GgufTensor;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const GgufContents& contents, std::span<const std::byte> bytes) {
  std::vector<std::span<const std::byte>> ranges;
  for (const GgufTensor& tensor : contents.tensors) {
    require(tensor.offset <= bytes.size());
    if (tensor.data.empty()) continue;
    require(tensor.data.data() == bytes.data() + tensor.offset && tensor.data.size() <= bytes.size() - tensor.offset);
    ranges.push_back(tensor.data);
  }
  std::ranges::sort(ranges, {}, [](const auto& range) { return range.data(); });
  for (size_t i = 1; i < ranges.size(); ++i) require(ranges[i - 1].data() + ranges[i - 1].size() <= ranges[i].data());

  const auto view = trireme::runtime::view_gguf_metadata(contents.metadata);
  for (const auto& [key, value] : contents.metadata.entries()) {
    require(view->has(key));
    (void)view->get_int(key);
    (void)view->get_float(key);
    (void)view->get_int_list(key);
    (void)view->get_float_list(key);
    (void)view->get_string_list(key);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  for (const bool inspect : {false, true}) {
    const auto contents = trireme::runtime::parse_gguf(bytes, "fuzz.gguf", {.inspect = inspect});
    if (contents)
      check(*contents, bytes);
    else
      require(contents.error().message().find('\n') == std::string::npos);
  }
  return 0;
}
