// Expressions.
#include <algorithm>

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {

namespace {

// Whether Jinja folds the expression while it compiles. (Of what it folds, only these kinds matter here.)
bool is_literal(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::kConstant: return true;
    case ExpressionKind::kTuple:
    case ExpressionKind::kList:
    case ExpressionKind::kDict:
    case ExpressionKind::kNegate:
    case ExpressionKind::kPositive:
      return std::all_of(expression.children.begin(), expression.children.end(),
                         [](const ExpressionPtr& child) { return is_literal(*child); });
    default: return false;
  }
}

}  // namespace

Result<BoundArguments> bind(std::string_view callee, const CallArguments& arguments,
                            std::initializer_list<std::string_view> names, std::size_t required) {
  if (arguments.positional.size() > names.size()) {
    return template_error(std::string(callee) + " takes at most " + std::to_string(names.size()) + " arguments, " +
                          std::to_string(arguments.positional.size()) + " given");
  }
  BoundArguments bound(names.size());
  std::copy(arguments.positional.begin(), arguments.positional.end(), bound.begin());
  for (const auto& [name, value] : arguments.keyword) {
    const auto found = std::find(names.begin(), names.end(), std::string_view(name));
    if (found == names.end()) return template_error(std::string(callee) + " has no argument '" + name + "'");
    auto& slot = bound[static_cast<std::size_t>(found - names.begin())];
    if (slot) return template_error(std::string(callee) + " got two values for '" + name + "'");
    slot = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!bound[i]) {
      return template_error(std::string(callee) + " needs the argument '" + std::string(names.begin()[i]) + "'");
    }
  }
  return bound;
}

Result<Value> Interpreter::evaluate(const Expression& expression) {
  if (++depth_ > budget_.limits().depth) return template_error("statements and calls are nested too deeply");
  TRIREME_TRY(budget_.work(1));
  Result<Value> value = tagged(evaluate_kind(expression), expression.line);
  --depth_;
  return value;
}

Result<Value> Interpreter::evaluate_kind(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::kConstant: return evaluate_constant(expression);
    case ExpressionKind::kName: return evaluate_name(expression);
    case ExpressionKind::kTuple:
    case ExpressionKind::kList: {
      TRIREME_ASSIGN(std::vector<Value> items, evaluate_all(expression.children));
      return expression.kind == ExpressionKind::kList ? make_list(budget_, std::move(items))
                                                      : make_tuple(budget_, std::move(items));
    }
    case ExpressionKind::kDict: return evaluate_dict(expression);
    case ExpressionKind::kAttribute: {
      TRIREME_ASSIGN(const Value subject, evaluate(*expression.children[0]));
      return attribute(subject, expression.name);
    }
    case ExpressionKind::kItem: {
      TRIREME_ASSIGN(const Value subject, evaluate(*expression.children[0]));
      TRIREME_ASSIGN(const Value key, evaluate(*expression.children[1]));
      return item(subject, key);
    }
    case ExpressionKind::kSlice: return evaluate_slice(expression);
    case ExpressionKind::kCall: return evaluate_call(expression, nullptr);
    case ExpressionKind::kFilter: return evaluate_filter(expression);
    case ExpressionKind::kTest: return evaluate_test(expression);
    case ExpressionKind::kNot: {
      TRIREME_ASSIGN(const Value operand, evaluate(*expression.children[0]));
      return Value::boolean(!is_true(operand));
    }
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr: {
      TRIREME_ASSIGN(Value left, evaluate(*expression.children[0]));
      if (is_true(left) == (expression.kind == ExpressionKind::kOr)) return left;
      return evaluate(*expression.children[1]);
    }
    case ExpressionKind::kNegate:
    case ExpressionKind::kPositive: {
      TRIREME_ASSIGN(const Value operand, evaluate(*expression.children[0]));
      return expression.kind == ExpressionKind::kNegate ? negate(operand) : positive(operand);
    }
    case ExpressionKind::kArithmetic: return evaluate_arithmetic(expression);
    case ExpressionKind::kConcat: return evaluate_concat(expression);
    case ExpressionKind::kCompare: return evaluate_compare(expression);
    case ExpressionKind::kConditional: return evaluate_conditional(expression);
  }
  return template_error("an unknown expression");
}

Result<Value> Interpreter::evaluate_constant(const Expression& expression) {
  const auto& constant = expression.constant;
  if (const auto* text = std::get_if<std::string>(&constant)) return make_string(budget_, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&constant)) return Value::integer(*integer);
  if (const auto* number = std::get_if<double>(&constant)) return Value::floating(*number);
  if (const auto* truth = std::get_if<bool>(&constant)) return Value::boolean(*truth);
  return Value::none();
}

Result<Value> Interpreter::evaluate_name(const Expression& expression) {
  const Value* const value = scope_->find(expression.name);
  if (value != nullptr) return *value;
  return make_undefined(budget_, "'" + expression.name + "' is undefined");
}

Result<std::vector<Value>> Interpreter::evaluate_all(const std::vector<ExpressionPtr>& expressions) {
  std::vector<Value> values;
  values.reserve(expressions.size());
  for (const ExpressionPtr& expression : expressions) {
    TRIREME_ASSIGN(Value value, evaluate(*expression));
    values.push_back(std::move(value));
  }
  return values;
}

Result<Value> Interpreter::evaluate_dict(const Expression& expression) {
  auto dict = std::make_shared<DictObject>(budget_);
  for (std::size_t i = 0; i < expression.children.size(); i += 2) {
    TRIREME_ASSIGN(const Value key, evaluate(*expression.children[i]));
    TRIREME_ASSIGN(Value value, evaluate(*expression.children[i + 1]));
    TRIREME_TRY(dict->set(key, std::move(value)));
  }
  return make_dict(std::move(dict));
}

Result<Value> Interpreter::evaluate_slice(const Expression& expression) {
  TRIREME_ASSIGN(const Value subject, evaluate(*expression.children[0]));
  Value bounds[3] = {Value::none(), Value::none(), Value::none()};
  for (std::size_t i = 0; i < 3; ++i) {
    if (expression.children[i + 1] == nullptr) continue;
    TRIREME_ASSIGN(bounds[i], evaluate(*expression.children[i + 1]));
  }
  // A folded slice of what has none is undefined; any other raises.
  const bool sliceable = subject.is_string() || subject.is_sequence() || subject.is(Kind::kRange);
  if (!sliceable && is_literal(*expression.children[0])) {
    return make_undefined(budget_, "'" + std::string(type_name(subject)) + " object' has no such slice");
  }
  return slice(budget_, subject, bounds[0], bounds[1], bounds[2]);
}

Result<CallArguments> Interpreter::evaluate_arguments(const Arguments& arguments) {
  CallArguments result;
  TRIREME_ASSIGN(result.positional, evaluate_all(arguments.positional));
  for (const auto& [name, expression] : arguments.keyword) {
    TRIREME_ASSIGN(Value value, evaluate(*expression));
    result.keyword.emplace_back(name, std::move(value));
  }
  if (arguments.star != nullptr) {
    TRIREME_ASSIGN(const Value more, evaluate(*arguments.star));
    TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget_, more));
    result.positional.insert(result.positional.end(), items.begin(), items.end());
  }
  if (arguments.star_star != nullptr) {
    TRIREME_ASSIGN(const Value more, evaluate(*arguments.star_star));
    if (!more.is(Kind::kDict)) return template_error("argument after ** must be a mapping");
    for (const auto& [key, value] : more.dict().entries) {
      if (!key.is_string()) return template_error("keywords must be strings");
      TRIREME_TRY(budget_.work(1 + result.keyword.size() / 4));
      for (const auto& [name, other] : result.keyword) {
        if (name == key.text()) return template_error("got multiple values for keyword argument '" + name + "'");
      }
      result.keyword.emplace_back(key.text(), value);
    }
  }
  return result;
}

Result<Value> Interpreter::evaluate_call(const Expression& expression, const Value* caller) {
  TRIREME_ASSIGN(const Value callee, evaluate(*expression.children[0]));
  TRIREME_ASSIGN(CallArguments arguments, evaluate_arguments(expression.arguments));
  if (caller != nullptr) arguments.keyword.emplace_back("caller", *caller);
  return call(callee, std::move(arguments));
}

Result<Value> Interpreter::evaluate_filter(const Expression& expression) {
  Value subject = filter_input_;
  if (expression.children[0] != nullptr) {
    TRIREME_ASSIGN(subject, evaluate(*expression.children[0]));
  } else {
    filter_input_ = Value();
  }
  TRIREME_ASSIGN(CallArguments arguments, evaluate_arguments(expression.arguments));
  const Filter filter = find_filter(expression.name);
  if (filter == nullptr) return template_error("No filter named '" + expression.name + "'.");
  return filter(*this, subject, arguments);
}

Result<Value> Interpreter::evaluate_test(const Expression& expression) {
  TRIREME_ASSIGN(const Value subject, evaluate(*expression.children[0]));
  TRIREME_ASSIGN(CallArguments arguments, evaluate_arguments(expression.arguments));
  const Test test = find_test(expression.name);
  if (test == nullptr) return template_error("No test named '" + expression.name + "'.");
  TRIREME_ASSIGN(const bool result, test(*this, subject, arguments));
  return Value::boolean(result);
}

Result<Value> Interpreter::apply_filter(const Value& name, const Value& subject, CallArguments arguments) {
  const Filter filter = name.is_string() ? find_filter(name.text()) : nullptr;
  if (filter == nullptr) {
    TRIREME_ASSIGN(const std::string text, to_repr(budget_, name));
    return template_error("No filter named " + text + ".");
  }
  if (++depth_ > budget_.limits().depth) return template_error("filters are nested too deeply");
  TRIREME_TRY(budget_.work(1));
  Result<Value> result = filter(*this, subject, arguments);
  --depth_;
  return result;
}

Result<bool> Interpreter::apply_test(const Value& name, const Value& subject, CallArguments arguments) {
  const Test test = name.is_string() ? find_test(name.text()) : nullptr;
  if (test == nullptr) {
    TRIREME_ASSIGN(const std::string text, to_repr(budget_, name));
    return template_error("No test named " + text + ".");
  }
  TRIREME_TRY(budget_.work(1));
  return test(*this, subject, arguments);
}

Result<Value> Interpreter::evaluate_arithmetic(const Expression& expression) {
  TRIREME_ASSIGN(const Value left, evaluate(*expression.children[0]));
  TRIREME_ASSIGN(const Value right, evaluate(*expression.children[1]));
  return arithmetic(budget_, expression.name, left, right);
}

Result<Value> Interpreter::evaluate_concat(const Expression& expression) {
  std::string text;
  for (const ExpressionPtr& part : expression.children) {
    TRIREME_ASSIGN(const Value value, evaluate(*part));
    TRIREME_ASSIGN(const std::string piece, to_text(budget_, value));
    TRIREME_TRY(budget_.admit(text.size() + piece.size()));
    text += piece;
  }
  return make_string(budget_, std::move(text));
}

Result<Value> Interpreter::evaluate_compare(const Expression& expression) {
  TRIREME_ASSIGN(Value left, evaluate(*expression.children[0]));
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    TRIREME_ASSIGN(Value right, evaluate(*expression.children[i + 1]));
    TRIREME_ASSIGN(const bool holds, compare(budget_, expression.operators[i], left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Interpreter::evaluate_conditional(const Expression& expression) {
  TRIREME_ASSIGN(const Value test, evaluate(*expression.children[0]));
  if (is_true(test)) return evaluate(*expression.children[1]);
  if (expression.children[2] != nullptr) return evaluate(*expression.children[2]);
  return make_undefined(budget_, "the inline if-expression on line " + std::to_string(expression.line) +
                                     " evaluated to false and no else section was defined.");
}

Result<std::optional<Value>> Interpreter::own_attribute(const Value& value, const std::string& name) {
  const bool dunder = name.starts_with("__") && name.ends_with("__") && name.size() > 4;
  const bool of_every_object = name == "__class__" || name == "__doc__" || name == "__init__" || name == "__module__";
  if (value.is_undefined() && !of_every_object) return undefined_error(value);
  if (value.is(Kind::kNamespace)) {
    const Value* const found = value.as<NamespaceObject>().attributes->find(name);
    if (found == nullptr) return std::optional<Value>();
    if (!name.starts_with('_')) return std::optional<Value>(*found);
  }
  if (value.is(Kind::kNamespace) || dunder || is_hidden_attribute(value, name)) {
    return std::optional<Value>(make_undefined(
        budget_, "access to attribute '" + name + "' of '" + std::string(type_name(value)) + "' object is unsafe."));
  }
  if (value.is(Kind::kLoop)) {
    TRIREME_ASSIGN(std::optional<Value> found, loop_attribute(value.as<LoopObject>(), name));
    if (found) return found;
  }
  if (value.is(Kind::kTuple) && value.as<ListObject>().is_group && (name == "grouper" || name == "list")) {
    return std::optional<Value>(value.items()[name == "list" ? 1 : 0]);
  }
  if (value.is(Kind::kMacro) && name == "name") {
    return std::optional<Value>(make_string(budget_, value.as<MacroObject>().name));
  }
  if (value.is(Kind::kCycler) && name == "current") {
    const auto& cycler = value.as<CyclerObject>();
    return std::optional<Value>(cycler.items.items()[cycler.position]);
  }
  if (value.is(Kind::kRange) && (name == "start" || name == "stop" || name == "step")) {
    const RangeObject& range = value.range();
    return std::optional<Value>(Value::integer(name == "start"  ? range.start
                                               : name == "stop" ? range.stop
                                                                : range.step));
  }
  if (!has_attribute(value, name)) return std::optional<Value>();
  return std::optional<Value>(Value(Kind::kMethod, std::make_shared<MethodObject>(budget_, value, name)));
}

Result<Value> Interpreter::attribute(const Value& value, const std::string& name) {
  TRIREME_ASSIGN(std::optional<Value> own, own_attribute(value, name));
  if (own) return std::move(*own);
  if (value.is(Kind::kDict)) {
    const Value* const found = value.dict().find(name);
    if (found != nullptr) return *found;
  }
  return make_undefined(budget_, "'" + std::string(type_name(value)) + " object' has no attribute '" + name + "'");
}

Result<Value> Interpreter::item(const Value& value, const Value& key) {
  TRIREME_ASSIGN(std::optional<Value> found, item_of(budget_, value, key));
  if (found) return std::move(*found);
  if (key.is_string()) {
    TRIREME_ASSIGN(std::optional<Value> own, own_attribute(value, key.text()));
    if (own) return std::move(*own);
  }
  Result<std::string> shown = to_repr(budget_, key);
  return make_undefined(budget_, "'" + std::string(type_name(value)) + " object' has no attribute " +
                                     (shown ? *shown : std::string(type_name(key))));
}

Result<Value> Interpreter::call(const Value& callee, CallArguments arguments) {
  if (++depth_ > budget_.limits().depth) return template_error("statements and calls are nested too deeply");
  Result<Value> result = Value();
  switch (callee.kind()) {
    case Kind::kUndefined: return undefined_error(callee);
    case Kind::kMacro: result = call_macro(callee.as<MacroObject>(), std::move(arguments)); break;
    case Kind::kFunction: result = call_function(*this, callee.as<MethodObject>().name, arguments); break;
    case Kind::kMethod: {
      const auto& method = callee.as<MethodObject>();
      result = call_method(*this, method.self, method.name, arguments);
      break;
    }
    case Kind::kJoiner: {
      auto& joiner = callee.as<JoinerObject>();
      TRIREME_ASSIGN(const BoundArguments bound, bind("joiner", arguments, {}));
      result = std::exchange(joiner.used, true) ? joiner.separator : make_string(budget_, {});
      break;
    }
    case Kind::kLoop: {
      auto& loop = callee.as<LoopObject>();
      TRIREME_ASSIGN(const BoundArguments bound, bind("loop", arguments, {"iterable"}, 1));
      if (!loop.statement.recursive) {
        return template_error("The loop must have the 'recursive' marker to be called recursively.");
      }
      if (loop.scope == nullptr) return unsupported("calling a loop that has ended");
      std::string text;
      std::string* const out = std::exchange(out_, &text);
      TRIREME_ASSIGN([[maybe_unused]] const Flow flow,
                     run_loop(loop.statement, loop.scope, *bound[0], loop.depth0 + 1));
      out_ = out;
      result = make_string(budget_, std::move(text));
      break;
    }
    default: return template_error("'" + std::string(type_name(callee)) + "' object is not callable");
  }
  --depth_;
  return result;
}

// Binds caller, kwargs and varargs where the body uses them; refuses what is left over.
Status Interpreter::bind_macro_extras(const MacroObject& macro, CallArguments& arguments, Scope& scope) {
  const MacroDefinition& definition = macro.definition;
  const std::size_t count = definition.parameters.size();
  auto& keyword = arguments.keyword;
  if (definition.uses_caller) {
    const auto found =
        std::find_if(keyword.begin(), keyword.end(), [](const auto& one) { return one.first == "caller"; });
    Value caller = make_undefined(budget_, "No caller defined");
    if (found != keyword.end()) {
      if (!found->second.is_none()) caller = found->second;
      keyword.erase(found);
    }
    scope.set("caller", std::move(caller));
  }
  if (definition.uses_kwargs) {
    auto dict = std::make_shared<DictObject>(budget_);
    for (auto& [name, value] : keyword) TRIREME_TRY(dict->set(make_string(budget_, name), std::move(value)));
    scope.set("kwargs", make_dict(std::move(dict)));
  } else if (!keyword.empty()) {
    return template_error("macro '" + macro.name + "' takes no keyword argument '" + keyword[0].first + "'");
  }
  auto& positional = arguments.positional;
  if (definition.uses_varargs) {
    const auto first = positional.begin() + static_cast<std::ptrdiff_t>(std::min(count, positional.size()));
    TRIREME_ASSIGN(Value rest, make_tuple(budget_, std::vector<Value>(first, positional.end())));
    scope.set("varargs", std::move(rest));
  } else if (positional.size() > count) {
    return template_error("macro '" + macro.name + "' takes not more than " + std::to_string(count) + " argument(s)");
  }
  return {};
}

Result<Value> Interpreter::call_macro(const MacroObject& macro, CallArguments arguments) {
  const auto& parameters = macro.definition.parameters;
  auto scope = std::make_shared<Scope>(budget_, macro.scope);
  std::vector<const Parameter*> missing;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i].name;
    auto& keyword = arguments.keyword;
    const auto found = std::find_if(keyword.begin(), keyword.end(), [&](const auto& one) { return one.first == name; });
    if (i < arguments.positional.size()) {
      scope->set(name, arguments.positional[i]);
    } else if (found != keyword.end()) {
      scope->set(name, std::move(found->second));
      keyword.erase(found);
    } else {
      scope->set(name, make_undefined(budget_, "parameter '" + name + "' was not provided"));
      missing.push_back(&parameters[i]);
    }
  }
  TRIREME_TRY(bind_macro_extras(macro, arguments, *scope));
  const std::shared_ptr<Scope> outer = std::exchange(scope_, scope);
  for (const Parameter* parameter : missing) {
    if (parameter->default_value == nullptr) continue;
    TRIREME_ASSIGN(Value value, evaluate(*parameter->default_value));
    scope->set(parameter->name, std::move(value));
  }
  scope_ = outer;
  return captured(macro.definition.body, std::move(scope));
}

}  // namespace trireme::runtime::jinja
