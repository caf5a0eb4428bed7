// Whatever the bytes are, a safetensors file is refused with an error or its tensors cover its data exactly.
#include <cstdlib>

#include "runtime/files/safetensors_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const auto contents = trireme::runtime::parse_safetensors(bytes, "fuzz.safetensors");
  if (!contents) {
    if (contents.error().message().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const std::byte* end = nullptr;
  for (const auto& tensor : contents->tensors) {
    if (end && tensor.data.data() != end) std::abort();
    end = tensor.data.data() + tensor.data.size();
  }
  if (end && end != bytes.data() + bytes.size()) std::abort();
  return 0;
}
