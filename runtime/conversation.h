// Conversation: messages rendered by the model's own chat template.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/chat_template/chat_template.h"
#include "runtime/files/model_file.h"
#include "runtime/tokenizer/tokenizer.h"

namespace trireme::runtime {

// The template that a model carries: tokenizer.chat_template of a GGUF file; chat_template.jinja or the chat_template
// of tokenizer_config.json in a folder. Errors: kNotFound when there is none; ChatTemplate::parse's.
Result<ChatTemplate> load_chat_template(const ModelFile& file);

// The text that asks the model for the next message. `messages` is an array of {"role", "content"} objects.
Result<std::string> render_conversation(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                        const nlohmann::ordered_json& messages);

}  // namespace trireme::runtime
