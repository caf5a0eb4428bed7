// Expressions, from the loosest operator to the tightest. All binary operators associate to the left.
#include <algorithm>

#include "runtime/chat_template/parser.h"

namespace trireme::runtime::jinja {
namespace {

std::vector<ExpressionPtr> list_of(ExpressionPtr first, ExpressionPtr second = nullptr) {
  std::vector<ExpressionPtr> list;
  list.push_back(std::move(first));
  if (second != nullptr) list.push_back(std::move(second));
  return list;
}

}  // namespace

// Counts nested calls of the parser, which the input controls.
#define TRIREME_PARSE_DEEPER()                                                                                 \
  if (expression_depth_ >= kMaxNesting) return error_at(current().line, "an expression is nested too deeply"); \
  const DepthGuard depth_guard(expression_depth_)

namespace {
class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) { ++depth_; }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  int& depth_;
};
}  // namespace

// Finishes a node: its depth follows from its parts.
Result<ExpressionPtr> Parser::close(ExpressionPtr node) {
  const auto include = [&](const ExpressionPtr& child) {
    if (child != nullptr) node->depth = std::max(node->depth, child->depth + 1);
  };
  for (const ExpressionPtr& child : node->children) include(child);
  for (const ExpressionPtr& child : node->arguments.positional) include(child);
  for (const auto& [name, child] : node->arguments.keyword) include(child);
  include(node->arguments.star);
  include(node->arguments.star_star);
  if (node->depth > kMaxExpressionDepth) {
    return error_at(node->line, "an expression is nested more than " + std::to_string(kMaxExpressionDepth) + " deep");
  }
  return node;
}

Result<ExpressionPtr> Parser::make(ExpressionKind kind, int line, std::vector<ExpressionPtr> children,
                                   std::string name) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = line;
  node->name = std::move(name);
  node->children = std::move(children);
  return close(std::move(node));
}

Result<ExpressionPtr> Parser::parse_expression(bool with_conditional) {
  return with_conditional ? parse_conditional() : parse_or();
}

Result<ExpressionPtr> Parser::parse_conditional() {
  TRIREME_PARSE_DEEPER();
  int line = current().line;
  TRIREME_ASSIGN(ExpressionPtr then, parse_or());
  while (skip_name("if")) {
    TRIREME_ASSIGN(ExpressionPtr test, parse_or());
    ExpressionPtr otherwise;
    if (skip_name("else")) {
      TRIREME_ASSIGN(otherwise, parse_conditional());
    }
    std::vector<ExpressionPtr> children = list_of(std::move(test), std::move(then));
    children.push_back(std::move(otherwise));
    TRIREME_ASSIGN(then, make(ExpressionKind::kConditional, line, std::move(children)));
    line = current().line;
  }
  return then;
}

Result<ExpressionPtr> Parser::parse_or() {
  TRIREME_ASSIGN(ExpressionPtr left, parse_and());
  while (at_name("or")) {
    const int line = advance().line;
    TRIREME_ASSIGN(ExpressionPtr right, parse_and());
    TRIREME_ASSIGN(left, make(ExpressionKind::kOr, line, list_of(std::move(left), std::move(right))));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_and() {
  TRIREME_ASSIGN(ExpressionPtr left, parse_not());
  while (at_name("and")) {
    const int line = advance().line;
    TRIREME_ASSIGN(ExpressionPtr right, parse_not());
    TRIREME_ASSIGN(left, make(ExpressionKind::kAnd, line, list_of(std::move(left), std::move(right))));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_not() {
  TRIREME_PARSE_DEEPER();
  if (!at_name("not")) return parse_compare();
  const int line = advance().line;
  TRIREME_ASSIGN(ExpressionPtr operand, parse_not());
  return make(ExpressionKind::kNot, line, list_of(std::move(operand)));
}

Result<ExpressionPtr> Parser::parse_compare() {
  const int line = current().line;
  TRIREME_ASSIGN(ExpressionPtr first, parse_sum());
  auto node = std::make_unique<Expression>();
  node->kind = ExpressionKind::kCompare;
  node->line = line;
  while (true) {
    std::string op;
    if (current().type == TokenType::kOperator) {
      constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};
      if (std::find(std::begin(kComparisons), std::end(kComparisons), current().text) == std::end(kComparisons)) break;
      op = advance().text;
    } else if (skip_name("in")) {
      op = "in";
    } else if (at_name("not") && look().type == TokenType::kName && look().text == "in") {
      advance();
      advance();
      op = "notin";
    } else {
      break;
    }
    TRIREME_ASSIGN(ExpressionPtr operand, parse_sum());
    node->operators.push_back(std::move(op));
    node->children.push_back(std::move(operand));
  }
  if (node->operators.empty()) return first;
  node->children.insert(node->children.begin(), std::move(first));
  return close(std::move(node));
}

Result<ExpressionPtr> Parser::parse_sum() {
  TRIREME_ASSIGN(ExpressionPtr left, parse_concat());
  while (at_operator("+") || at_operator("-")) {
    const Token& op = advance();
    TRIREME_ASSIGN(ExpressionPtr right, parse_concat());
    TRIREME_ASSIGN(left,
                   make(ExpressionKind::kArithmetic, op.line, list_of(std::move(left), std::move(right)), op.text));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_concat() {
  const int line = current().line;
  TRIREME_ASSIGN(ExpressionPtr first, parse_product());
  if (!at_operator("~")) return first;
  std::vector<ExpressionPtr> parts = list_of(std::move(first));
  while (skip_operator("~")) {
    TRIREME_ASSIGN(ExpressionPtr part, parse_product());
    parts.push_back(std::move(part));
  }
  return make(ExpressionKind::kConcat, line, std::move(parts));
}

Result<ExpressionPtr> Parser::parse_product() {
  TRIREME_ASSIGN(ExpressionPtr left, parse_power());
  while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
    const Token& op = advance();
    TRIREME_ASSIGN(ExpressionPtr right, parse_power());
    TRIREME_ASSIGN(left,
                   make(ExpressionKind::kArithmetic, op.line, list_of(std::move(left), std::move(right)), op.text));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_power() {
  TRIREME_ASSIGN(ExpressionPtr left, parse_unary());
  while (at_operator("**")) {
    const int line = advance().line;
    TRIREME_ASSIGN(ExpressionPtr right, parse_unary());
    TRIREME_ASSIGN(left, make(ExpressionKind::kArithmetic, line, list_of(std::move(left), std::move(right)), "**"));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_unary(bool with_filter) {
  TRIREME_PARSE_DEEPER();
  const int line = current().line;
  ExpressionPtr node;
  if (at_operator("-") || at_operator("+")) {
    const bool negative = advance().text == "-";
    TRIREME_ASSIGN(ExpressionPtr operand, parse_unary(false));
    TRIREME_ASSIGN(
        node, make(negative ? ExpressionKind::kNegate : ExpressionKind::kPositive, line, list_of(std::move(operand))));
  } else {
    TRIREME_ASSIGN(node, parse_primary());
  }
  TRIREME_ASSIGN(node, parse_postfix(std::move(node)));
  if (!with_filter) return node;
  return parse_filter_expression(std::move(node));
}

Result<ExpressionPtr> Parser::parse_name() {
  const Token& token = advance();
  TRIREME_ASSIGN(ExpressionPtr node, make(ExpressionKind::kName, token.line, {}, token.text));
  const std::string& name = token.text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    node->kind = ExpressionKind::kConstant;
    node->constant = name == "true" || name == "True";
  } else if (name == "none" || name == "None") {
    node->kind = ExpressionKind::kConstant;
  }
  for (MacroDefinition* macro : macros_) {
    macro->uses_caller = macro->uses_caller || name == "caller";
    macro->uses_kwargs = macro->uses_kwargs || name == "kwargs";
    macro->uses_varargs = macro->uses_varargs || name == "varargs";
  }
  return node;
}

Result<ExpressionPtr> Parser::parse_primary() {
  const Token& token = current();
  switch (token.type) {
    case TokenType::kName: return parse_name();
    case TokenType::kString: {
      TRIREME_ASSIGN(ExpressionPtr node, make(ExpressionKind::kConstant, token.line, {}));
      std::string text;
      while (current().type == TokenType::kString) text += advance().text;
      node->constant = std::move(text);
      return node;
    }
    case TokenType::kInteger:
    case TokenType::kFloat: {
      TRIREME_ASSIGN(ExpressionPtr node, make(ExpressionKind::kConstant, token.line, {}));
      if (token.type == TokenType::kInteger)
        node->constant = token.integer;
      else
        node->constant = token.number;
      advance();
      return node;
    }
    default: break;
  }
  if (at_operator("[")) return parse_list();
  if (at_operator("{")) return parse_dict();
  if (!skip_operator("(")) return unexpected();
  TRIREME_ASSIGN(ExpressionPtr node, parse_tuple(true, true));
  TRIREME_TRY(expect_operator(")"));
  return node;
}

Result<ExpressionPtr> Parser::parse_tuple(bool with_conditional, bool in_parentheses) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (true) {
    if (current().type == TokenType::kVariableEnd || current().type == TokenType::kBlockEnd || at_operator(")")) break;
    TRIREME_ASSIGN(ExpressionPtr item, parse_expression(with_conditional));
    items.push_back(std::move(item));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) return std::move(items[0]);
    if (!in_parentheses) return error_at(current().line, "Expected an expression");
  }
  return make(ExpressionKind::kTuple, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_list() {
  const int line = advance().line;
  std::vector<ExpressionPtr> items;
  while (!at_operator("]")) {
    if (!items.empty()) TRIREME_TRY(expect_operator(","));
    if (at_operator("]")) break;
    TRIREME_ASSIGN(ExpressionPtr item, parse_expression());
    items.push_back(std::move(item));
  }
  advance();
  return make(ExpressionKind::kList, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_dict() {
  const int line = advance().line;
  std::vector<ExpressionPtr> items;
  while (!at_operator("}")) {
    if (!items.empty()) TRIREME_TRY(expect_operator(","));
    if (at_operator("}")) break;
    TRIREME_ASSIGN(ExpressionPtr key, parse_expression());
    TRIREME_TRY(expect_operator(":"));
    TRIREME_ASSIGN(ExpressionPtr value, parse_expression());
    items.push_back(std::move(key));
    items.push_back(std::move(value));
  }
  advance();
  return make(ExpressionKind::kDict, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_postfix(ExpressionPtr node) {
  while (true) {
    if (at_operator(".") || at_operator("[")) {
      TRIREME_ASSIGN(node, parse_subscript(std::move(node)));
    } else if (at_operator("(")) {
      TRIREME_ASSIGN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> Parser::parse_filter_expression(ExpressionPtr node) {
  while (true) {
    if (at_operator("|")) {
      TRIREME_ASSIGN(node, parse_filters(std::move(node), false));
    } else if (at_name("is")) {
      TRIREME_ASSIGN(node, parse_test(std::move(node)));
    } else if (at_operator("(")) {
      TRIREME_ASSIGN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExpressionPtr> Parser::parse_subscript(ExpressionPtr node) {
  const Token& opening = advance();
  if (opening.text == "[") return parse_subscripts(std::move(node), opening.line);
  const Token& attribute = advance();
  if (attribute.type == TokenType::kName) {
    return make(ExpressionKind::kAttribute, opening.line, list_of(std::move(node)), attribute.text);
  }
  if (attribute.type != TokenType::kInteger) return error_at(attribute.line, "expected name or number");
  TRIREME_ASSIGN(ExpressionPtr key, make(ExpressionKind::kConstant, attribute.line, {}));
  key->constant = attribute.integer;
  return make(ExpressionKind::kItem, opening.line, list_of(std::move(node), std::move(key)));
}

Result<ExpressionPtr> Parser::parse_subscripts(ExpressionPtr node, int line) {
  std::vector<ExpressionPtr> keys;
  while (!at_operator("]")) {
    if (!keys.empty()) TRIREME_TRY(expect_operator(","));
    std::vector<ExpressionPtr> bounds;
    bounds.push_back(nullptr);  // the subject, filled in below
    bool is_slice = false;
    for (int part = 0; part < 3; ++part) {
      ExpressionPtr bound;
      if (!at_operator(":") && !at_operator("]") && !at_operator(",")) {
        TRIREME_ASSIGN(bound, parse_expression());
      } else if (part == 0 && !at_operator(":")) {
        return unexpected();
      }
      bounds.push_back(std::move(bound));
      if (part == 2 || !skip_operator(":")) break;
      is_slice = true;
    }
    if (!is_slice) {
      keys.push_back(std::move(bounds[1]));
      continue;
    }
    if (!keys.empty() || !at_operator("]")) return error_at(line, "slices in a tuple", ErrorCode::kUnsupported);
    advance();
    bounds.resize(4);
    bounds[0] = std::move(node);
    return make(ExpressionKind::kSlice, line, std::move(bounds));
  }
  advance();
  if (keys.size() == 1) return make(ExpressionKind::kItem, line, list_of(std::move(node), std::move(keys[0])));
  TRIREME_ASSIGN(ExpressionPtr tuple, make(ExpressionKind::kTuple, line, std::move(keys)));
  return make(ExpressionKind::kItem, line, list_of(std::move(node), std::move(tuple)));
}

Result<ExpressionPtr> Parser::parse_call(ExpressionPtr node) {
  const int line = current().line;
  auto call = std::make_unique<Expression>();
  call->kind = ExpressionKind::kCall;
  call->line = line;
  call->children.push_back(std::move(node));
  TRIREME_TRY(parse_arguments(call->arguments));
  return close(std::move(call));
}

Status Parser::parse_arguments(Arguments& arguments) {
  const int line = current().line;
  TRIREME_TRY(expect_operator("("));
  bool first = true;
  while (!at_operator(")")) {
    if (!first) {
      TRIREME_TRY(expect_operator(","));
      if (at_operator(")")) break;
    }
    first = false;
    TRIREME_TRY(parse_argument(arguments, line));
  }
  advance();
  return {};
}

Status Parser::parse_argument(Arguments& arguments, int line) {
  const auto invalid = [line] { return error_at(line, "invalid syntax for function call expression"); };
  if (skip_operator("*")) {
    if (arguments.star != nullptr || arguments.star_star != nullptr) return invalid();
    TRIREME_ASSIGN(arguments.star, parse_expression());
    return {};
  }
  if (arguments.star_star != nullptr) return invalid();
  if (skip_operator("**")) {
    TRIREME_ASSIGN(arguments.star_star, parse_expression());
    return {};
  }
  if (current().type == TokenType::kName && look().type == TokenType::kOperator && look().text == "=") {
    std::string name = advance().text;
    advance();
    if (arguments.keyword.size() >= kMaxNames) return error_at(line, "too many keyword arguments");
    for (const auto& [other, value] : arguments.keyword) {
      if (other == name) return error_at(line, "keyword argument repeated: " + name);
    }
    TRIREME_ASSIGN(ExpressionPtr value, parse_expression());
    arguments.keyword.emplace_back(std::move(name), std::move(value));
    return {};
  }
  if (arguments.star != nullptr || !arguments.keyword.empty()) return invalid();
  TRIREME_ASSIGN(ExpressionPtr value, parse_expression());
  arguments.positional.push_back(std::move(value));
  return {};
}

Result<std::string> Parser::parse_dotted_name() {
  TRIREME_ASSIGN(std::string name, take_name());
  while (skip_operator(".")) {
    TRIREME_ASSIGN(const std::string part, take_name());
    name += "." + part;
  }
  return name;
}

Result<ExpressionPtr> Parser::parse_filters(ExpressionPtr node, bool start_inline) {
  while (start_inline || at_operator("|")) {
    if (!start_inline) advance();
    start_inline = false;
    auto filter = std::make_unique<Expression>();
    filter->kind = ExpressionKind::kFilter;
    filter->line = current().line;
    TRIREME_ASSIGN(filter->name, parse_dotted_name());
    filter->children.push_back(std::move(node));
    if (at_operator("(")) TRIREME_TRY(parse_arguments(filter->arguments));
    TRIREME_ASSIGN(node, close(std::move(filter)));
  }
  return node;
}

Result<ExpressionPtr> Parser::parse_test(ExpressionPtr node) {
  const int line = advance().line;
  const bool negated = skip_name("not");
  auto test = std::make_unique<Expression>();
  test->kind = ExpressionKind::kTest;
  test->line = line;
  TRIREME_ASSIGN(test->name, parse_dotted_name());
  test->children.push_back(std::move(node));
  const TokenType type = current().type;
  if (at_operator("(")) {
    TRIREME_TRY(parse_arguments(test->arguments));
  } else if ((type == TokenType::kName && !at_name("else") && !at_name("or") && !at_name("and")) ||
             type == TokenType::kString || type == TokenType::kInteger || type == TokenType::kFloat ||
             at_operator("[") || at_operator("{")) {
    if (at_name("is")) return error_at(line, "You cannot chain multiple tests with is");
    TRIREME_ASSIGN(ExpressionPtr argument, parse_primary());
    TRIREME_ASSIGN(argument, parse_postfix(std::move(argument)));
    test->arguments.positional.push_back(std::move(argument));
  }
  TRIREME_ASSIGN(ExpressionPtr result, close(std::move(test)));
  if (!negated) return result;
  return make(ExpressionKind::kNot, line, list_of(std::move(result)));
}

#undef TRIREME_PARSE_DEEPER

}  // namespace trireme::runtime::jinja
