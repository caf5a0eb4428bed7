// Whatever the text is, a config.json is refused with an error or every key can be asked for in every way.
#include <cstdlib>
#include <string_view>

#include "runtime/files/json.h"
#include "runtime/files/model_metadata.h"

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
  return 0;
}
