#include "runtime/chat_template/parser.h"

#include <algorithm>

namespace trireme::runtime::jinja {
namespace {

bool is_reserved(std::string_view name) {
  return name == "true" || name == "false" || name == "none" || name == "True" || name == "False" || name == "None";
}

std::string describe(const Token& token) {
  switch (token.type) {
    case TokenType::kData: return "template data / text";
    case TokenType::kVariableBegin: return "begin of print statement";
    case TokenType::kVariableEnd: return "end of print statement";
    case TokenType::kBlockBegin: return "begin of statement block";
    case TokenType::kBlockEnd: return "end of statement block";
    case TokenType::kString: return "string";
    case TokenType::kInteger: return "integer";
    case TokenType::kFloat: return "float";
    case TokenType::kEnd: return "end of template";
    default: return token.text;
  }
}

}  // namespace

tl::unexpected<Error> Parser::unexpected() const {
  return error_at(current().line, "unexpected '" + describe(current()) + "'");
}

bool Parser::skip_name(std::string_view name) {
  if (!at_name(name)) return false;
  advance();
  return true;
}

bool Parser::skip_operator(std::string_view op) {
  if (!at_operator(op)) return false;
  advance();
  return true;
}

Status Parser::expect_operator(std::string_view op) {
  if (skip_operator(op)) return {};
  return error_at(current().line, "expected token '" + std::string(op) + "', got '" + describe(current()) + "'");
}

Status Parser::expect_name(std::string_view name) {
  if (skip_name(name)) return {};
  return error_at(current().line, "expected token '" + std::string(name) + "', got '" + describe(current()) + "'");
}

Status Parser::expect(TokenType type) {
  if (current().type != type) return unexpected();
  advance();
  return {};
}

Result<std::string> Parser::take_name() {
  if (current().type != TokenType::kName) return unexpected();
  return advance().text;
}

Result<Template> Parser::parse() {
  Template result;
  TRIREME_TRY(parse_into(result.body, {}));
  return result;
}

Result<Block> Parser::parse_block(std::initializer_list<std::string_view> ends) {
  if (++block_depth_ > kMaxBlockDepth) {
    return error_at(current().line, "blocks are nested more than " + std::to_string(kMaxBlockDepth) + " deep");
  }
  Block block;
  skip_operator(":");
  TRIREME_TRY(expect(TokenType::kBlockEnd));
  TRIREME_TRY(parse_into(block, ends));
  --block_depth_;
  if (current().type == TokenType::kEnd) {
    return error_at(current().line, "Unexpected end of template; looking for '" + std::string(*(ends.end() - 1)) + "'");
  }
  return block;
}

// A block whose end tag is dropped.
Result<Block> Parser::parse_body(std::initializer_list<std::string_view> ends) {
  TRIREME_ASSIGN(Block block, parse_block(ends));
  advance();
  return block;
}

Status Parser::parse_into(Block& block, std::initializer_list<std::string_view> ends) {
  while (current().type != TokenType::kEnd) {
    if (current().type == TokenType::kData) {
      auto text = std::make_unique<Statement>();
      text->line = current().line;
      text->text = advance().text;
      block.push_back(std::move(text));
    } else if (current().type == TokenType::kVariableBegin) {
      auto output = std::make_unique<Statement>();
      output->kind = StatementKind::kOutput;
      output->line = advance().line;
      TRIREME_ASSIGN(ExpressionPtr expression, parse_tuple(true, false));
      TRIREME_TRY(expect(TokenType::kVariableEnd));
      output->expressions.push_back(std::move(expression));
      block.push_back(std::move(output));
    } else {
      TRIREME_TRY(expect(TokenType::kBlockBegin));
      if (std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return at_name(end); })) return {};
      TRIREME_ASSIGN(auto statement, parse_statement());
      TRIREME_TRY(expect(TokenType::kBlockEnd));
      block.push_back(std::move(statement));
    }
  }
  return {};
}

Result<std::unique_ptr<Statement>> Parser::parse_statement() {
  auto statement = std::make_unique<Statement>();
  statement->line = current().line;
  if (current().type != TokenType::kName) return error_at(current().line, "tag name expected");
  const std::string tag = advance().text;
  Status status;
  if (tag == "for") {
    status = parse_for(*statement);
  } else if (tag == "if") {
    status = parse_if(*statement);
  } else if (tag == "set") {
    status = parse_set(*statement);
  } else if (tag == "with") {
    status = parse_with(*statement);
  } else if (tag == "macro") {
    status = parse_macro(*statement);
  } else if (tag == "call") {
    status = parse_call_block(*statement);
  } else if (tag == "filter") {
    status = parse_filter_block(*statement);
  } else if (tag == "generation") {
    status = parse_generation(*statement);
  } else if (tag == "print") {
    status = parse_print(*statement);
  } else if (tag == "break" || tag == "continue") {
    statement->kind = tag == "break" ? StatementKind::kBreak : StatementKind::kContinue;
    if (loops_.empty() || !loops_.back()) return error_at(statement->line, "'" + tag + "' outside loop");
  } else if (tag == "extends" || tag == "block" || tag == "include" || tag == "import" || tag == "from" ||
             tag == "autoescape") {
    return error_at(statement->line, "the tag '" + tag + "'", ErrorCode::kUnsupported);
  } else {
    return error_at(statement->line, "Encountered unknown tag '" + tag + "'");
  }
  TRIREME_TRY(std::move(status));
  return statement;
}

Status Parser::parse_for(Statement& statement) {
  statement.kind = StatementKind::kFor;
  ++for_depth_;
  TRIREME_ASSIGN(statement.target, parse_target(false));
  TRIREME_TRY(expect_name("in"));
  TRIREME_ASSIGN(ExpressionPtr iterable, parse_tuple(false, false));
  ExpressionPtr test;
  if (skip_name("if")) {
    TRIREME_ASSIGN(test, parse_expression());
  }
  statement.recursive = skip_name("recursive");
  statement.expressions.push_back(std::move(iterable));
  statement.expressions.push_back(std::move(test));
  loops_.push_back(true);
  TRIREME_ASSIGN(statement.body, parse_block({"endfor", "else"}));
  loops_.pop_back();
  if (advance().text == "else") {
    TRIREME_ASSIGN(statement.otherwise, parse_body({"endfor"}));
  }
  --for_depth_;
  return {};
}

Status Parser::parse_if(Statement& statement) {
  statement.kind = StatementKind::kIf;
  while (true) {
    TRIREME_ASSIGN(ExpressionPtr test, parse_tuple(false, false));
    statement.expressions.push_back(std::move(test));
    TRIREME_ASSIGN(Block body, parse_block({"elif", "else", "endif"}));
    statement.branches.push_back(std::move(body));
    const std::string end = advance().text;
    if (end == "elif") continue;
    if (end == "else") {
      TRIREME_ASSIGN(statement.otherwise, parse_body({"endif"}));
    }
    return {};
  }
}

Status Parser::parse_set(Statement& statement) {
  TRIREME_ASSIGN(statement.target, parse_target(true));
  if (skip_operator("=")) {
    statement.kind = StatementKind::kSet;
    TRIREME_ASSIGN(ExpressionPtr value, parse_tuple(true, false));
    statement.expressions.push_back(std::move(value));
    return {};
  }
  statement.kind = StatementKind::kSetBlock;
  TRIREME_ASSIGN(ExpressionPtr filter, parse_filters(nullptr, false));
  statement.expressions.push_back(std::move(filter));
  TRIREME_ASSIGN(statement.body, parse_body({"endset"}));
  return {};
}

Status Parser::parse_with(Statement& statement) {
  statement.kind = StatementKind::kWith;
  while (current().type != TokenType::kBlockEnd) {
    if (!statement.targets.empty()) TRIREME_TRY(expect_operator(","));
    const int for_depth = std::exchange(for_depth_, 0);
    TRIREME_ASSIGN(Target target, parse_target(false));
    for_depth_ = for_depth;
    TRIREME_TRY(expect_operator("="));
    TRIREME_ASSIGN(ExpressionPtr value, parse_expression());
    statement.targets.push_back(std::move(target));
    statement.expressions.push_back(std::move(value));
  }
  TRIREME_ASSIGN(statement.body, parse_body({"endwith"}));
  return {};
}

Status Parser::parse_signature(MacroDefinition& macro) {
  TRIREME_TRY(expect_operator("("));
  while (!at_operator(")")) {
    if (!macro.parameters.empty()) TRIREME_TRY(expect_operator(","));
    Parameter parameter;
    const int line = current().line;
    TRIREME_ASSIGN(parameter.name, take_name());
    if (is_reserved(parameter.name)) return error_at(line, "can't assign to '" + parameter.name + "'");
    if (macro.parameters.size() >= kMaxNames) return error_at(line, "too many parameters");
    for (const Parameter& other : macro.parameters) {
      if (other.name == parameter.name) return error_at(line, "duplicate argument '" + parameter.name + "'");
    }
    if (skip_operator("=")) {
      TRIREME_ASSIGN(parameter.default_value, parse_expression());
    } else if (!macro.parameters.empty() && macro.parameters.back().default_value != nullptr) {
      return error_at(line, "non-default argument follows default argument");
    }
    macro.parameters.push_back(std::move(parameter));
  }
  advance();
  return {};
}

Status Parser::parse_macro(Statement& statement) {
  statement.kind = StatementKind::kMacro;
  MacroDefinition& macro = statement.macro;
  TRIREME_ASSIGN(macro.name, take_name());
  if (is_reserved(macro.name)) return error_at(statement.line, "can't assign to '" + macro.name + "'");
  TRIREME_TRY(parse_signature(macro));
  macros_.push_back(&macro);
  loops_.push_back(false);
  TRIREME_ASSIGN(macro.body, parse_body({"endmacro"}));
  loops_.pop_back();
  macros_.pop_back();
  for (const Parameter& parameter : macro.parameters) {
    if (parameter.name == "kwargs") macro.uses_kwargs = false;
    if (parameter.name == "varargs") macro.uses_varargs = false;
    if (parameter.name != "caller" || !macro.uses_caller) continue;
    if (parameter.default_value == nullptr) {
      return error_at(statement.line, "the special \"caller\" argument must be omitted or be given a default");
    }
    macro.uses_caller = false;
  }
  return {};
}

Status Parser::parse_call_block(Statement& statement) {
  statement.kind = StatementKind::kCallBlock;
  MacroDefinition& macro = statement.macro;
  if (at_operator("(")) TRIREME_TRY(parse_signature(macro));
  TRIREME_ASSIGN(ExpressionPtr call, parse_expression());
  if (call->kind != ExpressionKind::kCall) return error_at(statement.line, "expected call");
  statement.expressions.push_back(std::move(call));
  macros_.push_back(&macro);
  loops_.push_back(false);
  TRIREME_ASSIGN(macro.body, parse_body({"endcall"}));
  loops_.pop_back();
  macros_.pop_back();
  return {};
}

Status Parser::parse_filter_block(Statement& statement) {
  statement.kind = StatementKind::kFilterBlock;
  TRIREME_ASSIGN(ExpressionPtr filter, parse_filters(nullptr, true));
  statement.expressions.push_back(std::move(filter));
  TRIREME_ASSIGN(statement.body, parse_body({"endfilter"}));
  return {};
}

// The body is what a call block would hold, so names set inside stay inside.
Status Parser::parse_generation(Statement& statement) {
  statement.kind = StatementKind::kGeneration;
  loops_.push_back(false);
  TRIREME_ASSIGN(statement.body, parse_body({"endgeneration"}));
  loops_.pop_back();
  return {};
}

Status Parser::parse_print(Statement& statement) {
  statement.kind = StatementKind::kOutput;
  while (current().type != TokenType::kBlockEnd) {
    if (!statement.expressions.empty()) TRIREME_TRY(expect_operator(","));
    TRIREME_ASSIGN(ExpressionPtr expression, parse_expression());
    statement.expressions.push_back(std::move(expression));
  }
  return {};
}

Result<Target> Parser::parse_single_target(bool with_namespace) {
  Target target;
  const int line = current().line;
  if (skip_operator("(")) {
    if (++expression_depth_ > kMaxExpressionDepth) return error_at(line, "a target is nested too deeply");
    TRIREME_ASSIGN(target, parse_target(false));
    --expression_depth_;
    TRIREME_TRY(expect_operator(")"));
    return target;
  }
  if (current().type != TokenType::kName) return unexpected();
  target.name = advance().text;
  if (is_reserved(target.name)) return error_at(line, "can't assign to '" + target.name + "'");
  if (with_namespace && skip_operator(".")) {
    TRIREME_ASSIGN(target.attribute, take_name());
    return target;
  }
  if (target.name == "loop" && for_depth_ > 0) {
    return error_at(line, "Can't assign to special loop variable in for-loop target");
  }
  return target;
}

Result<Target> Parser::parse_target(bool with_namespace) {
  Target tuple;
  tuple.is_tuple = true;
  while (true) {
    const bool ends =
        current().type == TokenType::kVariableEnd || current().type == TokenType::kBlockEnd || at_operator(")");
    if (ends && !tuple.elements.empty()) return tuple;
    TRIREME_ASSIGN(Target element, parse_single_target(with_namespace));
    if (!at_operator(",")) {
      if (tuple.elements.empty()) return element;
      tuple.elements.push_back(std::move(element));
      return tuple;
    }
    advance();
    tuple.elements.push_back(std::move(element));
  }
}

}  // namespace trireme::runtime::jinja
