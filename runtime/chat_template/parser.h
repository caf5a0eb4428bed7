// The parser: tokens to tree.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/chat_template/ast.h"
#include "runtime/chat_template/lexer.h"

namespace trireme::runtime::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<Template> parse();

 private:
  // Tree depths that rendering, comparing and freeing can recurse through.
  static constexpr int kMaxExpressionDepth = 150;
  static constexpr int kMaxBlockDepth = 60;
  static constexpr int kMaxNesting = 400;        // of the parser's own calls, three to a parenthesis
  static constexpr std::size_t kMaxNames = 255;  // in one signature or call

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& advance() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool at_name(std::string_view name) const { return current().type == TokenType::kName && current().text == name; }
  bool at_operator(std::string_view op) const { return current().type == TokenType::kOperator && current().text == op; }
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view op);
  Status expect_operator(std::string_view op);
  Status expect_name(std::string_view name);
  Status expect(TokenType type);
  Result<std::string> take_name();
  tl::unexpected<Error> unexpected() const;

  // Statements (parser.cpp). A block ends before one of `ends`, whose name is the current token then.
  Result<Block> parse_block(std::initializer_list<std::string_view> ends);
  Result<Block> parse_body(std::initializer_list<std::string_view> ends);
  Status parse_into(Block& block, std::initializer_list<std::string_view> ends);
  Result<std::unique_ptr<Statement>> parse_statement();
  Status parse_for(Statement& statement);
  Status parse_if(Statement& statement);
  Status parse_set(Statement& statement);
  Status parse_with(Statement& statement);
  Status parse_macro(Statement& statement);
  Status parse_call_block(Statement& statement);
  Status parse_filter_block(Statement& statement);
  Status parse_generation(Statement& statement);
  Status parse_print(Statement& statement);
  Status parse_signature(MacroDefinition& macro);
  Result<Target> parse_target(bool with_namespace);
  Result<Target> parse_single_target(bool with_namespace);

  // Expressions (expression_parser.cpp).
  Result<ExpressionPtr> make(ExpressionKind kind, int line, std::vector<ExpressionPtr> children, std::string name = {});
  Result<ExpressionPtr> close(ExpressionPtr node);
  Result<ExpressionPtr> parse_expression(bool with_conditional = true);
  Result<ExpressionPtr> parse_conditional();
  Result<ExpressionPtr> parse_or();
  Result<ExpressionPtr> parse_and();
  Result<ExpressionPtr> parse_not();
  Result<ExpressionPtr> parse_compare();
  Result<ExpressionPtr> parse_sum();
  Result<ExpressionPtr> parse_concat();
  Result<ExpressionPtr> parse_product();
  Result<ExpressionPtr> parse_power();
  Result<ExpressionPtr> parse_unary(bool with_filter = true);
  Result<ExpressionPtr> parse_primary();
  Result<ExpressionPtr> parse_name();
  Result<ExpressionPtr> parse_tuple(bool with_conditional, bool in_parentheses);
  Result<ExpressionPtr> parse_list();
  Result<ExpressionPtr> parse_dict();
  Result<ExpressionPtr> parse_postfix(ExpressionPtr node);
  Result<ExpressionPtr> parse_filter_expression(ExpressionPtr node);
  Result<ExpressionPtr> parse_subscript(ExpressionPtr node);
  Result<ExpressionPtr> parse_subscripts(ExpressionPtr node, int line);
  Result<ExpressionPtr> parse_call(ExpressionPtr node);
  Result<ExpressionPtr> parse_filters(ExpressionPtr node, bool start_inline);
  Result<ExpressionPtr> parse_test(ExpressionPtr node);
  Result<std::string> parse_dotted_name();
  Status parse_arguments(Arguments& arguments);
  Status parse_argument(Arguments& arguments, int line);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int expression_depth_ = 0;
  int block_depth_ = 0;
  int for_depth_ = 0;
  std::vector<bool> loops_;               // innermost last; false: a macro body, which break cannot leave
  std::vector<MacroDefinition*> macros_;  // those whose body is being parsed
};

}  // namespace trireme::runtime::jinja
