// ChatTemplate: a model's own Jinja chat template, rendered as transformers' apply_chat_template renders it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "hal/result.h"

namespace trireme::runtime {

namespace jinja {
struct Template;
}

// What one rendering may use. A template that needs more ends in kInvalidArgument.
struct ChatTemplateLimits {
  std::uint64_t steps = 10'000'000;                  // units of work: one per node visited or 16 bytes of text touched
  std::size_t live_bytes = std::size_t{256} << 20;   // values alive at one time
  std::size_t output_bytes = std::size_t{64} << 20;  // length of the rendered text
  int depth = 500;                                   // nested statements, expressions and calls
};

// The variables of one rendering. JSON objects keep the order of their keys, as Python's dict does.
struct ChatTemplateInput {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  nlohmann::ordered_json tools;      // null: None, as when no tools are given
  nlohmann::ordered_json documents;  // null: None
  bool add_generation_prompt = false;
  std::string bos_token;
  std::string eos_token;
  // Further variables by name (an object, or null for none), such as enable_thinking; they win over those above.
  nlohmann::ordered_json extra;
  // Local date and time that strftime_now formats; the system clock when absent.
  std::optional<std::chrono::local_seconds> now;
};

// A parsed template. Immutable: one may be rendered from several threads at once.
//
// The language is Jinja 3.1 with trim_blocks, lstrip_blocks, loop controls and the immutable sandbox, plus the
// functions raise_exception and strftime_now, the filter tojson (plain json.dumps) and the tag generation.
// Refused with kUnsupported: extends, block, include, import, autoescape, the random filter, integers over 64 bits.
class ChatTemplate {
 public:
  // Errors: kInvalidArgument or kUnsupported with the line; kCorruptData where the text is not UTF-8.
  static Result<ChatTemplate> parse(std::string_view source);

  // Errors: kInvalidArgument with the line: what the template raises itself, a type error, a limit.
  Result<std::string> render(const ChatTemplateInput& input, const ChatTemplateLimits& limits = {}) const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const jinja::Template> tree_;
};

}  // namespace trireme::runtime
