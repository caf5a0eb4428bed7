#include "runtime/conversation.h"

#include "runtime/files/json.h"

namespace trireme::runtime {
namespace {

// The text of the template, or empty.
Result<std::string> template_source(const ModelFile& file) {
  if (const GgufMetadata* metadata = file.gguf_metadata()) {
    const std::string* source = metadata->text("tokenizer.chat_template");
    return source ? *source : std::string();
  }
  TRIREME_ASSIGN(const std::optional<std::string> own_file, file.companion("chat_template.jinja"));
  if (own_file) return *own_file;
  TRIREME_ASSIGN(const std::optional<std::string> text, file.companion("tokenizer_config.json"));
  if (!text) return std::string();
  TRIREME_ASSIGN(const nlohmann::json config, parse_json(*text, "tokenizer_config.json"));
  const auto found = config.find("chat_template");
  if (found == config.end()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array()) {
    for (const auto& entry : *found) {
      if (entry.is_object() && entry.value("name", nlohmann::json()) == "default" && entry.contains("template") &&
          entry["template"].is_string())
        return entry["template"].get<std::string>();
    }
  }
  return std::string();
}

std::string token_text(const Tokenizer& tokenizer, std::optional<int32_t> id) {
  return id ? std::string(tokenizer.token_text(*id)) : std::string();
}

}  // namespace

Result<ChatTemplate> load_chat_template(const ModelFile& file) {
  TRIREME_ASSIGN(const std::string source, template_source(file));
  if (source.empty())
    return fail(ErrorCode::kNotFound, file.path(), "the model carries no chat template",
                "continue a text with 'trireme run'");
  return ChatTemplate::parse(source);
}

Result<std::string> render_conversation(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                        const nlohmann::ordered_json& messages) {
  ChatTemplateInput input;
  input.messages = messages;
  input.add_generation_prompt = true;
  input.bos_token = token_text(tokenizer, tokenizer.bos());
  input.eos_token = token_text(tokenizer, tokenizer.eos());
  return chat_template.render(input);
}

}  // namespace trireme::runtime
