// The for statement and its variable `loop`.
#include <algorithm>

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {

// The next item that passes the loop's test; false at the end.
Result<bool> Interpreter::pull(LoopObject& loop, Value& item) {
  if (!loop.iterator) return false;
  const Expression* const test = loop.tested ? nullptr : loop.statement.expressions[1].get();
  while (true) {
    TRIREME_TRY(budget_.work(1));
    TRIREME_ASSIGN(const bool more, loop.iterator->next(item));
    if (!more || test == nullptr) return more;
    std::shared_ptr<Scope> scope = std::make_shared<Scope>(budget_, loop.scope);
    scope.swap(scope_);
    TRIREME_TRY(assign(loop.statement.target, item));
    TRIREME_ASSIGN(const Value passes, evaluate(*test));
    scope.swap(scope_);
    if (is_true(passes)) return true;
  }
}

Result<bool> Interpreter::has_next(LoopObject& loop) {
  if (loop.after) return true;
  Value item;
  TRIREME_ASSIGN(const bool more, pull(loop, item));
  if (more) loop.after = std::move(item);
  return more;
}

Result<bool> Interpreter::advance(LoopObject& loop) {
  TRIREME_ASSIGN(const bool more, has_next(loop));
  if (!more) return false;
  ++loop.index0;
  loop.before = std::move(loop.current);
  loop.current = std::move(*loop.after);
  loop.after.reset();
  return true;
}

// A sequence without a test knows its length; anything else is walked to its end first.
Result<std::int64_t> Interpreter::loop_length(LoopObject& loop) {
  if (loop.length) return *loop.length;
  if (loop.statement.expressions[1] == nullptr && !loop.iterable.is(Kind::kGenerator)) {
    TRIREME_ASSIGN(const std::size_t length, length_of(loop.iterable));
    loop.length = static_cast<std::int64_t>(length);
    return *loop.length;
  }
  std::vector<Value> rest;
  Value item;
  while (true) {
    TRIREME_ASSIGN(const bool more, pull(loop, item));
    if (!more) break;
    TRIREME_TRY(budget_.work(2));
    rest.push_back(std::move(item));
  }
  loop.length = static_cast<std::int64_t>(rest.size()) + loop.index0 + 1 + (loop.after ? 1 : 0);
  // What is left goes through a generator, whose items have passed the test already.
  TRIREME_ASSIGN(const Value list, make_list(budget_, std::move(rest)));
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(list));
  loop.iterator = std::move(iterator);
  loop.tested = true;
  return *loop.length;
}

Result<Interpreter::Flow> Interpreter::execute_for(const Statement& statement) {
  TRIREME_ASSIGN(const Value iterable, evaluate(*statement.expressions[0]));
  return run_loop(statement, scope_, iterable, 0);
}

Result<Interpreter::Flow> Interpreter::run_loop(const Statement& statement, std::shared_ptr<Scope> scope,
                                                const Value& iterable, int depth0) {
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(iterable));
  const auto loop = std::make_shared<LoopObject>(budget_, statement, scope, std::move(iterator), iterable, depth0);
  bool empty = true;
  scope.swap(scope_);
  Result<Flow> flow = run_iterations(statement, loop, empty);
  scope_ = loop->scope;
  loop->finish();
  if (flow && *flow == Flow::kNormal && empty) {
    scope_ = inner_scope();
    flow = execute(statement.otherwise);
  }
  scope.swap(scope_);
  return flow;
}

// Gives kNormal whether or not the loop was left by break. `empty` stays true until one iteration has reached the end
// of its body, which is when Jinja skips the else branch.
Result<Interpreter::Flow> Interpreter::run_iterations(const Statement& statement,
                                                      const std::shared_ptr<LoopObject>& loop, bool& empty) {
  while (true) {
    TRIREME_ASSIGN(const bool more, advance(*loop));
    if (!more) return Flow::kNormal;
    scope_ = std::make_shared<Scope>(budget_, loop->scope);
    scope_->set("loop", Value(Kind::kLoop, loop));
    TRIREME_TRY(assign(statement.target, loop->current));
    TRIREME_ASSIGN(const Flow flow, execute(statement.body));
    if (flow == Flow::kBreak) return Flow::kNormal;
    if (flow == Flow::kNormal) empty = false;
  }
}

Result<std::optional<Value>> Interpreter::loop_attribute(LoopObject& loop, const std::string& name) {
  const auto number = [](std::int64_t value) { return std::optional<Value>(Value::integer(value)); };
  if (name == "index0") return number(loop.index0);
  if (name == "index") return number(loop.index0 + 1);
  if (name == "depth0") return number(loop.depth0);
  if (name == "depth") return number(loop.depth0 + 1);
  if (name == "first") return std::optional<Value>(Value::boolean(loop.index0 == 0));
  if (name == "last") {
    TRIREME_ASSIGN(const bool more, has_next(loop));
    return std::optional<Value>(Value::boolean(!more));
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    TRIREME_ASSIGN(const std::int64_t length, loop_length(loop));
    return number(name == "length" ? length : length - loop.index0 - (name == "revindex0" ? 1 : 0));
  }
  if (name == "previtem") {
    return std::optional<Value>(loop.index0 == 0 ? make_undefined(budget_, "there is no previous item") : loop.before);
  }
  if (name == "nextitem") {
    TRIREME_ASSIGN(const bool more, has_next(loop));
    return std::optional<Value>(more ? *loop.after : make_undefined(budget_, "there is no next item"));
  }
  return std::optional<Value>();
}

Result<Value> Interpreter::call_loop_method(LoopObject& loop, std::string_view name, const CallArguments& arguments) {
  if (!arguments.keyword.empty()) return template_error("loop." + std::string(name) + " takes no keyword arguments");
  const std::vector<Value>& values = arguments.positional;
  if (name == "cycle") {
    if (values.empty()) return template_error("no items for cycling given");
    return values[static_cast<std::size_t>(std::max<std::int64_t>(loop.index0, 0)) % values.size()];
  }
  // loop.changed: the values are kept as text, so that a loop never holds what may hold it.
  std::string key;
  for (const Value& value : values) {
    Result<std::string> part = hash_text(value);
    if (!part) part = to_repr(budget_, value);
    if (!part) return fail(part.error());
    TRIREME_TRY(budget_.admit(key.size() / 16 + part->size()));
    key += std::to_string(part->size()) + ":" + *part;
  }
  const bool changed = loop.last_changed != key;
  loop.last_changed = std::move(key);
  return Value::boolean(changed);
}

}  // namespace trireme::runtime::jinja
