// Whatever the text is, a config.json is refused with an error, or every key can be asked for in every way and the
// family that it names reads it.
#include <cstdlib>
#include <string_view>

#include "read_model.h"
#include "runtime/files/json.h"
#include "runtime/files/model_metadata.h"

namespace {

// Of the tensors only the embedding is there, with the rows of the seeds' models.
class EmbeddingOnly final : public trireme::graph::TensorTable {
 public:
  std::optional<trireme::TensorDesc> find(std::string_view name) const override {
    if (name != "token_embd.weight") return std::nullopt;
    return trireme::TensorDesc{.shape = {320, 96}, .format = &trireme::formats::f32()};
  }
  trireme::Result<std::vector<float>> read_floats(std::string_view name) const override {
    return trireme::fail(trireme::ErrorCode::kNotFound, std::string(name), "no such tensor");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = trireme::runtime::parse_json(text, "config.json", {.unique_keys = true});
  if (!config) {
    if (config.error().message().find('\n') != std::string::npos) std::abort();
    return 0;
  }
  const auto view = trireme::runtime::flatten_config(*config, "config.json");
  if (!view) return 0;
  for (const auto& [key, value] : config->items()) {
    if (!value.is_null() && !value.is_object() && !(*view)->has(key)) std::abort();
    (void)(*view)->get_int(key);
    (void)(*view)->get_float(key);
    (void)(*view)->get_bool(key);
    (void)(*view)->get_string(key);
    (void)(*view)->get_int_list(key);
    (void)(*view)->get_float_list(key);
    (void)(*view)->get_string_list(key);
  }
  trireme::read_model(**view, EmbeddingOnly());
  return 0;
}
