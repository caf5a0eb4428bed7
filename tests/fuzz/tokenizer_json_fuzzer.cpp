// Whatever the texts are, a tokenizer.json with its companions is refused with one line, or is a tokenizer that keeps
// its promises. NUL, which JSON cannot hold, divides the input into tokenizer.json, tokenizer_config.json,
// generation_config.json, config.json and a text to encode; all but the first may be missing.
#include <array>
#include <optional>

#include "runtime/tokenizer/tokenizer_json.h"
#include "use_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::array<std::optional<std::string_view>, 5> parts;
  for (auto& part : parts) {
    const size_t end = input.find('\0');
    part = input.substr(0, end);
    if (end == std::string_view::npos) break;
    input.remove_prefix(end + 1);
  }
  const auto tokenizer = trireme::runtime::parse_tokenizer_json({*parts[0], parts[1], parts[2], parts[3]});
  if (tokenizer) {
    trireme::runtime::use_tokenizer(*tokenizer, parts[4].value_or(""));
  } else {
    trireme::runtime::require_one_line(tokenizer.error());
  }
  return 0;
}
