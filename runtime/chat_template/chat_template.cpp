#include "runtime/chat_template/chat_template.h"

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/lexer.h"
#include "runtime/chat_template/parser.h"

namespace trireme::runtime {

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  TRIREME_ASSIGN(std::vector<jinja::Token> tokens, jinja::tokenize(source));
  TRIREME_ASSIGN(jinja::Template tree, jinja::Parser(std::move(tokens)).parse());
  return ChatTemplate(std::make_shared<const jinja::Template>(std::move(tree)));
}

Result<std::string> ChatTemplate::render(const ChatTemplateInput& input, const ChatTemplateLimits& limits) const {
  jinja::Budget budget(limits);
  return jinja::Interpreter(budget, input).render(*tree_);
}

}  // namespace trireme::runtime
