// Whatever a GGUF file says of its tokenizer, it is refused with one line, or is a tokenizer that keeps its promises.
// The key "fuzz.text" holds a text to encode.
#include "runtime/files/gguf_reader.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "use_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trireme::runtime;
  const auto contents = parse_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  if (!contents) return 0;
  const auto tokenizer = load_tokenizer(contents->metadata);
  if (tokenizer) {
    const std::string* text = contents->metadata.text("fuzz.text");
    use_tokenizer(*tokenizer, text ? std::string_view(*text) : std::string_view());
  } else {
    require_one_line(tokenizer.error());
  }
  return 0;
}
