// The tree of a parsed template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace trireme::runtime::jinja {

enum class ExpressionKind : std::uint8_t {
  kConstant,
  kName,
  kTuple,
  kList,
  kDict,
  kAttribute,
  kItem,
  kSlice,
  kCall,
  kFilter,
  kTest,
  kNot,
  kAnd,
  kOr,
  kNegate,
  kPositive,
  kArithmetic,
  kConcat,
  kCompare,
  kConditional,
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr star;       // *expression
  ExpressionPtr star_star;  // **expression
};

// One node. What `children` holds follows from the kind:
//   kTuple, kList, kConcat: the items; kDict: key, value, key, value...
//   kAttribute, kFilter, kTest: the subject (absent in the filter of a filter block); kItem: subject, key
//   kSlice: subject, start, stop, step (null where absent); kCall: the callee
//   kCompare: the operands, one more than `operators`; kConditional: test, then, else (null where absent)
struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  int line = 0;
  int depth = 1;  // of the tree below, bounded by the parser
  std::string name;
  std::variant<std::monostate, bool, std::int64_t, double, std::string> constant;  // monostate: None
  std::vector<ExpressionPtr> children;
  std::vector<std::string> operators;
  Arguments arguments;
};

// Where an assignment goes: a name, name.attribute of a namespace, or a tuple of targets.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> elements;
  bool is_tuple = false;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

enum class StatementKind : std::uint8_t {
  kText,
  kOutput,
  kFor,
  kIf,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kBreak,
  kContinue,
  kGeneration,
};

struct Parameter {
  std::string name;
  ExpressionPtr default_value;
};

// A macro, or the body of a call block (then without a name).
struct MacroDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  bool uses_caller = false;
  bool uses_kwargs = false;
  bool uses_varargs = false;
};

// One node. What its fields hold follows from the kind:
//   kText: text; kOutput: expressions; kFor: target, expressions = {iterable, test or null}, body, otherwise, recursive
//   kIf: expressions = the tests, branches = their bodies, otherwise; kSet: target, expressions = {value}
//   kSetBlock: target, expressions = {filter or null}, body; kFilterBlock: expressions = {filter}, body
//   kMacro: macro; kCallBlock: macro, expressions = {call}; kWith: targets, expressions = their values, body
struct Statement {
  StatementKind kind = StatementKind::kText;
  int line = 0;
  std::string text;
  std::vector<ExpressionPtr> expressions;
  Target target;
  std::vector<Target> targets;
  Block body;
  std::vector<Block> branches;
  Block otherwise;
  bool recursive = false;
  MacroDefinition macro;
};

struct Template {
  Block body;
};

}  // namespace trireme::runtime::jinja
