// Whatever the bytes are, a chat template is refused with one line or renders twice alike within its limits.
#include <cstdlib>
#include <string_view>

#include "runtime/chat_template/chat_template.h"
#include "runtime/chat_template/text.h"

namespace {

using trireme::runtime::ChatTemplate;
using trireme::runtime::ChatTemplateInput;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_one_line(const trireme::Error& error) { require(error.message().find('\n') == std::string::npos); }

const ChatTemplateInput& conversation() {
  static const ChatTemplateInput input = [] {
    ChatTemplateInput one;
    one.messages = nlohmann::ordered_json::parse(R"([
      {"role": "system", "content": "Be é ☀."},
      {"role": "user", "content": [{"type": "text", "text": "Hi"}], "n": 1.5},
      {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": [1, true]}}}]},
      {"role": "tool", "content": "<think>a</think>b"}])");
    one.tools = nlohmann::ordered_json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {}}}])");
    one.add_generation_prompt = true;
    one.bos_token = "<s>";
    one.eos_token = "</s>";
    one.now = std::chrono::local_seconds(std::chrono::seconds(1'700'000'000));
    return one;
  }();
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = ChatTemplate::parse(source);
  if (!parsed) {
    require_one_line(parsed.error());
    return 0;
  }
  const trireme::runtime::ChatTemplateLimits limits{
      .steps = 200'000, .live_bytes = 16 << 20, .output_bytes = 4 << 20, .depth = 300};
  const auto first = parsed->render(conversation(), limits);
  const auto second = parsed->render(conversation(), limits);
  require(first.has_value() == second.has_value());
  if (first) {
    require(*first == *second && first->size() <= limits.output_bytes);
    require(trireme::runtime::jinja::is_valid_utf8(*first));
  } else {
    require_one_line(first.error());
  }
  return 0;
}
