// Whatever a GGUF file says of itself, it becomes a graph or an error.
#include "read_model.h"
#include "runtime/files/gguf_reader.h"
#include "runtime/files/model_metadata.h"

namespace {

using namespace trireme;

class Tensors final : public graph::TensorTable {
 public:
  explicit Tensors(const runtime::GgufContents& contents) : contents_(contents) {}

  std::optional<TensorDesc> find(std::string_view name) const override {
    const runtime::GgufTensor* tensor = lookup(name);
    return tensor ? std::optional(TensorDesc{.shape = tensor->shape, .format = tensor->format}) : std::nullopt;
  }
  Result<std::vector<float>> read_floats(std::string_view name) const override {
    const runtime::GgufTensor* tensor = lookup(name);
    if (!tensor || tensor->shape.elements() > 65536)
      return fail(ErrorCode::kNotFound, std::string(name), "no small tensor");
    std::vector<float> values(static_cast<size_t>(tensor->shape.elements()));
    TRIREME_TRY(decode_row(*tensor->format, tensor->data, values));
    return values;
  }

 private:
  const runtime::GgufTensor* lookup(std::string_view name) const {
    for (const runtime::GgufTensor& tensor : contents_.tensors)
      if (tensor.name == name) return &tensor;
    return nullptr;
  }

  const runtime::GgufContents& contents_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto contents = runtime::parse_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  if (contents) read_model(*runtime::view_gguf_metadata(contents->metadata), Tensors(*contents));
  return 0;
}
