// Interpreter: one rendering of a template.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/chat_template/ast.h"
#include "runtime/chat_template/interpreter_objects.h"
#include "runtime/chat_template/value.h"

namespace trireme::runtime::jinja {

struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
};

// Arguments by parameter, in the order of `names`; the first `required` must be given.
// Errors: those of a Python call: too many, missing, unknown or repeated arguments.
using BoundArguments = std::vector<std::optional<Value>>;
Result<BoundArguments> bind(std::string_view callee, const CallArguments& arguments,
                            std::initializer_list<std::string_view> names, std::size_t required = 0);

class Interpreter {
 public:
  Interpreter(Budget& budget, const ChatTemplateInput& input);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Errors carry the line of the innermost node that failed.
  Result<std::string> render(const Template& tree);

  Budget& budget() { return budget_; }
  const ChatTemplateInput& input() const { return input_; }

  // value.name and value[key] with the sandbox's rules; undefined where there is none.
  Result<Value> attribute(const Value& value, const std::string& name);
  Result<Value> item(const Value& value, const Value& key);
  Result<Value> call(const Value& callee, CallArguments arguments);
  Result<Value> apply_filter(const Value& name, const Value& subject, CallArguments arguments);
  Result<bool> apply_test(const Value& name, const Value& subject, CallArguments arguments);
  // A method of loop.
  Result<Value> call_loop_method(LoopObject& loop, std::string_view name, const CallArguments& arguments);
  Result<Value> make_namespace(std::shared_ptr<DictObject> attributes);

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  Status bind_input();
  // Statements (interpreter.cpp).
  Result<Flow> execute(const Block& block);
  Result<Flow> execute_statement(const Statement& statement);
  Result<Flow> execute_if(const Statement& statement);
  Status execute_output(const Statement& statement);
  Status execute_set(const Statement& statement);
  Result<Flow> execute_set_block(const Statement& statement);
  Result<Flow> execute_filter_block(const Statement& statement);
  Result<Flow> execute_with(const Statement& statement);
  Status execute_macro(const Statement& statement);
  Status execute_call_block(const Statement& statement);
  Status execute_generation(const Statement& statement);
  Result<Flow> execute_for(const Statement& statement);
  Result<Flow> run_loop(const Statement& statement, std::shared_ptr<Scope> scope, const Value& iterable, int depth0);
  Result<Flow> run_iterations(const Statement& statement, const std::shared_ptr<LoopObject>& loop, bool& empty);
  Result<bool> pull(LoopObject& loop, Value& item);
  Result<bool> advance(LoopObject& loop);
  Result<bool> has_next(LoopObject& loop);
  Result<std::int64_t> loop_length(LoopObject& loop);
  Status assign(const Target& target, const Value& value);
  Status emit(std::string_view text);
  Result<Value> captured(const Block& block, std::shared_ptr<Scope> scope);
  std::shared_ptr<Scope> inner_scope();

  // Expressions (evaluate.cpp).
  Result<Value> evaluate(const Expression& expression);
  Result<Value> evaluate_kind(const Expression& expression);
  Result<Value> evaluate_constant(const Expression& expression);
  Result<Value> evaluate_name(const Expression& expression);
  Result<Value> evaluate_dict(const Expression& expression);
  Result<Value> evaluate_slice(const Expression& expression);
  Result<Value> evaluate_call(const Expression& expression, const Value* caller);
  Result<Value> evaluate_filter(const Expression& expression);
  Result<Value> evaluate_test(const Expression& expression);
  Result<Value> evaluate_arithmetic(const Expression& expression);
  Result<Value> evaluate_concat(const Expression& expression);
  Result<Value> evaluate_compare(const Expression& expression);
  Result<Value> evaluate_conditional(const Expression& expression);
  Result<std::vector<Value>> evaluate_all(const std::vector<ExpressionPtr>& expressions);
  Result<CallArguments> evaluate_arguments(const Arguments& arguments);
  Result<std::optional<Value>> own_attribute(const Value& value, const std::string& name);
  Result<std::optional<Value>> loop_attribute(LoopObject& loop, const std::string& name);
  Result<Value> call_macro(const MacroObject& macro, CallArguments arguments);
  Status bind_macro_extras(const MacroObject& macro, CallArguments& arguments, Scope& scope);

  template <typename T>
  Result<T> tagged(Result<T> result, int line) {
    if (!result && error_line_ == 0) error_line_ = line;
    return result;
  }

  Budget& budget_;
  const ChatTemplateInput& input_;
  std::shared_ptr<Scope> scope_;
  std::string* out_ = nullptr;
  Value filter_input_;  // what a filter without a subject is applied to: the text of its block
  int depth_ = 0;
  int error_line_ = 0;
  // What can lead back to itself, kept so that it is taken apart at the end, one by one.
  std::vector<std::shared_ptr<Scope>> captured_scopes_;
  std::vector<std::shared_ptr<NamespaceObject>> namespaces_;
};

// Calls a method of a plain value (methods.cpp).
Result<Value> call_method(Interpreter& interpreter, const Value& self, const std::string& name,
                          const CallArguments& arguments);
// Whether Python's type has an attribute of that name, and whether the immutable sandbox hides it.
bool has_attribute(const Value& value, std::string_view name);
bool is_hidden_attribute(const Value& value, std::string_view name);
// Calls a global function (functions.cpp).
Result<Value> call_function(Interpreter& interpreter, const std::string& name, const CallArguments& arguments);
bool is_function(std::string_view name);
// Filters and tests by name; null where there is none (filters.cpp, tests.cpp).
using Filter = Result<Value> (*)(Interpreter&, const Value& subject, const CallArguments& arguments);
using Test = Result<bool> (*)(Interpreter&, const Value& subject, const CallArguments& arguments);
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);

}  // namespace trireme::runtime::jinja
