#include "runtime/chat_template/interpreter.h"

#include <algorithm>

#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

constexpr int kMaxJsonDepth = kMaxValueDepth - 20;

Result<Value> from_json(Budget& budget, const nlohmann::ordered_json& json, int depth) {
  TRIREME_TRY(budget.work(1));
  if (depth > kMaxJsonDepth) return template_error("the messages are nested too deeply");
  using Type = nlohmann::ordered_json::value_t;
  switch (json.type()) {
    case Type::boolean: return Value::boolean(json.get_ref<const bool&>());
    case Type::number_integer: return Value::integer(json.get_ref<const std::int64_t&>());
    case Type::number_unsigned: {
      const std::uint64_t value = json.get_ref<const std::uint64_t&>();
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return unsupported("an integer of more than 64 bits");
      return Value::integer(static_cast<std::int64_t>(value));
    }
    case Type::number_float: return Value::floating(json.get_ref<const double&>());
    case Type::string: {
      const auto& text = json.get_ref<const std::string&>();
      TRIREME_TRY(budget.admit(text.size()));
      if (!is_valid_utf8(text)) return template_error("a message is not UTF-8");
      return make_string(budget, text);
    }
    case Type::array: {
      TRIREME_TRY(budget.admit(json.size() * sizeof(Value)));
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& element : json) {
        TRIREME_ASSIGN(Value item, from_json(budget, element, depth + 1));
        items.push_back(std::move(item));
      }
      return make_list(budget, std::move(items));
    }
    case Type::object: {
      auto dict = std::make_shared<DictObject>(budget);
      for (const auto& [key, element] : json.items()) {
        if (!is_valid_utf8(key)) return template_error("a key of a message is not UTF-8");
        TRIREME_ASSIGN(Value item, from_json(budget, element, depth + 1));
        TRIREME_TRY(dict->set(make_string(budget, key), std::move(item)));
      }
      return make_dict(std::move(dict));
    }
    default: return Value::none();
  }
}

}  // namespace

Interpreter::Interpreter(Budget& budget, const ChatTemplateInput& input) : budget_(budget), input_(input) {}

Interpreter::~Interpreter() {
  for (const auto& scope : captured_scopes_) scope->clear();
  for (const auto& space : namespaces_) space->attributes = nullptr;
}

Status Interpreter::bind_input() {
  scope_ = std::make_shared<Scope>(budget_, nullptr);
  for (const char* name :
       {"range", "dict", "lipsum", "cycler", "joiner", "namespace", "raise_exception", "strftime_now"}) {
    scope_->set(name, Value(Kind::kFunction, std::make_shared<MethodObject>(budget_, Value(), name)));
  }
  const auto set = [this](const std::string& name, const nlohmann::ordered_json& json) -> Status {
    TRIREME_ASSIGN(Value value, from_json(budget_, json, 0));
    scope_->set(name, std::move(value));
    return {};
  };
  if (!is_valid_utf8(input_.bos_token) || !is_valid_utf8(input_.eos_token)) {
    return template_error("the beginning-of-text or end-of-text token is not UTF-8");
  }
  TRIREME_TRY(set("messages", input_.messages));
  TRIREME_TRY(set("tools", input_.tools));
  TRIREME_TRY(set("documents", input_.documents));
  scope_->set("add_generation_prompt", Value::boolean(input_.add_generation_prompt));
  scope_->set("bos_token", make_string(budget_, input_.bos_token));
  scope_->set("eos_token", make_string(budget_, input_.eos_token));
  if (input_.extra.is_null()) return {};
  if (!input_.extra.is_object()) return template_error("the extra variables are not an object");
  for (const auto& [name, json] : input_.extra.items()) TRIREME_TRY(set(name, json));
  return {};
}

Result<std::string> Interpreter::render(const Template& tree) {
  std::string out;
  out_ = &out;
  const auto run = [&]() -> Status {
    TRIREME_TRY(bind_input());
    scope_ = inner_scope();
    TRIREME_ASSIGN([[maybe_unused]] const Flow flow, execute(tree.body));
    return {};
  };
  Status status = run();
  if (status) return out;
  const Error& error = status.error();
  std::string what = error.what();
  if (error_line_ != 0) what += ", line " + std::to_string(error_line_);
  // What a template says itself may have several lines; an error has one.
  std::string why = error.why();
  std::replace_if(
      why.begin(), why.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return fail(error.code(), std::move(what), std::move(why), error.remedy());
}

std::shared_ptr<Scope> Interpreter::inner_scope() { return std::make_shared<Scope>(budget_, scope_); }

Status Interpreter::emit(std::string_view text) {
  TRIREME_TRY(budget_.work(1 + text.size() / 16));
  if (text.size() > budget_.limits().output_bytes - std::min(out_->size(), budget_.limits().output_bytes)) {
    return template_error("the rendered text has more than " + std::to_string(budget_.limits().output_bytes) + " bytes",
                          "shorten the conversation or check the template");
  }
  *out_ += text;
  return {};
}

// Runs a block in `scope` and gives its output as a value.
Result<Value> Interpreter::captured(const Block& block, std::shared_ptr<Scope> scope) {
  std::string text;
  std::string* const out = std::exchange(out_, &text);
  scope.swap(scope_);
  TRIREME_ASSIGN([[maybe_unused]] const Flow flow, execute(block));
  scope.swap(scope_);
  out_ = out;
  return make_string(budget_, std::move(text));
}

Result<Interpreter::Flow> Interpreter::execute(const Block& block) {
  for (const auto& statement : block) {
    if (++depth_ > budget_.limits().depth) return template_error("statements and calls are nested too deeply");
    TRIREME_ASSIGN(const Flow flow, tagged(execute_statement(*statement), statement->line));
    --depth_;
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Result<Interpreter::Flow> Interpreter::execute_statement(const Statement& statement) {
  TRIREME_TRY(budget_.work(1));
  switch (statement.kind) {
    case StatementKind::kText: TRIREME_TRY(emit(statement.text)); break;
    case StatementKind::kOutput: TRIREME_TRY(execute_output(statement)); break;
    case StatementKind::kFor: return execute_for(statement);
    case StatementKind::kIf: return execute_if(statement);
    case StatementKind::kSet: TRIREME_TRY(execute_set(statement)); break;
    case StatementKind::kSetBlock: return execute_set_block(statement);
    case StatementKind::kMacro: TRIREME_TRY(execute_macro(statement)); break;
    case StatementKind::kCallBlock: TRIREME_TRY(execute_call_block(statement)); break;
    case StatementKind::kFilterBlock: return execute_filter_block(statement);
    case StatementKind::kWith: return execute_with(statement);
    case StatementKind::kBreak: return Flow::kBreak;
    case StatementKind::kContinue: return Flow::kContinue;
    case StatementKind::kGeneration: TRIREME_TRY(execute_generation(statement)); break;
  }
  return Flow::kNormal;
}

Status Interpreter::execute_output(const Statement& statement) {
  for (const ExpressionPtr& expression : statement.expressions) {
    TRIREME_ASSIGN(const Value value, evaluate(*expression));
    if (value.is_string()) {
      TRIREME_TRY(emit(value.text()));
    } else {
      TRIREME_ASSIGN(const std::string text, to_text(budget_, value));
      TRIREME_TRY(emit(text));
    }
  }
  return {};
}

Result<Interpreter::Flow> Interpreter::execute_if(const Statement& statement) {
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    TRIREME_ASSIGN(const Value test, evaluate(*statement.expressions[i]));
    if (is_true(test)) return execute(statement.branches[i]);
  }
  return execute(statement.otherwise);
}

Status Interpreter::execute_set(const Statement& statement) {
  TRIREME_ASSIGN(const Value value, evaluate(*statement.expressions[0]));
  return assign(statement.target, value);
}

Result<Interpreter::Flow> Interpreter::execute_set_block(const Statement& statement) {
  const std::shared_ptr<Scope> outer = scope_;
  const std::shared_ptr<Scope> inner = inner_scope();
  std::string text;
  std::string* const out = std::exchange(out_, &text);
  scope_ = inner;
  TRIREME_ASSIGN(const Flow flow, execute(statement.body));
  out_ = out;
  if (flow == Flow::kNormal) {
    Value value = make_string(budget_, std::move(text));
    if (statement.expressions[0] != nullptr) {
      filter_input_ = value;
      TRIREME_ASSIGN(value, evaluate(*statement.expressions[0]));
    }
    scope_ = outer;
    TRIREME_TRY(assign(statement.target, value));
  }
  scope_ = outer;
  return flow;
}

Result<Interpreter::Flow> Interpreter::execute_filter_block(const Statement& statement) {
  const std::shared_ptr<Scope> outer = scope_;
  std::string text;
  std::string* const out = std::exchange(out_, &text);
  scope_ = inner_scope();
  TRIREME_ASSIGN(const Flow flow, execute(statement.body));
  out_ = out;
  if (flow == Flow::kNormal) {
    filter_input_ = make_string(budget_, std::move(text));
    TRIREME_ASSIGN(const Value value, evaluate(*statement.expressions[0]));
    TRIREME_ASSIGN(const std::string result, to_text(budget_, value));
    TRIREME_TRY(emit(result));
  }
  scope_ = outer;
  return flow;
}

Result<Interpreter::Flow> Interpreter::execute_with(const Statement& statement) {
  TRIREME_ASSIGN(const std::vector<Value> values, evaluate_all(statement.expressions));
  const std::shared_ptr<Scope> outer = scope_;
  scope_ = inner_scope();
  for (std::size_t i = 0; i < values.size(); ++i) TRIREME_TRY(assign(statement.targets[i], values[i]));
  TRIREME_ASSIGN(const Flow flow, execute(statement.body));
  scope_ = outer;
  return flow;
}

Status Interpreter::execute_macro(const Statement& statement) {
  captured_scopes_.push_back(scope_);
  scope_->grow(sizeof(std::shared_ptr<Scope>));
  scope_->set(statement.macro.name,
              Value(Kind::kMacro, std::make_shared<MacroObject>(budget_, statement.macro, scope_)));
  return {};
}

Status Interpreter::execute_call_block(const Statement& statement) {
  captured_scopes_.push_back(scope_);
  scope_->grow(sizeof(std::shared_ptr<Scope>));
  const Value caller(Kind::kMacro, std::make_shared<MacroObject>(budget_, statement.macro, scope_));
  TRIREME_ASSIGN(const Value value, evaluate_call(*statement.expressions[0], &caller));
  TRIREME_ASSIGN(const std::string text, to_text(budget_, value));
  return emit(text);
}

Status Interpreter::execute_generation(const Statement& statement) {
  TRIREME_ASSIGN(const Value text, captured(statement.body, inner_scope()));
  return emit(text.text());
}

Status Interpreter::assign(const Target& target, const Value& value) {
  TRIREME_TRY(budget_.work(1));
  if (target.is_tuple) {
    TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget_, value));
    if (items.size() != target.elements.size()) {
      return template_error("cannot unpack " + std::to_string(items.size()) + " values into " +
                            std::to_string(target.elements.size()) + " names");
    }
    for (std::size_t i = 0; i < items.size(); ++i) TRIREME_TRY(assign(target.elements[i], items[i]));
    return {};
  }
  if (target.attribute.empty()) {
    scope_->set(target.name, value);
    return {};
  }
  const Value* const space = scope_->find(target.name);
  if (space == nullptr || !space->is(Kind::kNamespace)) {
    return template_error("cannot assign attribute on non-namespace object");
  }
  // Its nesting is not counted: a namespace is taken apart by itself.
  return space->as<NamespaceObject>().attributes->set(make_string(budget_, target.attribute), value);
}

Result<Value> Interpreter::make_namespace(std::shared_ptr<DictObject> attributes) {
  auto object = std::make_shared<NamespaceObject>(budget_, std::move(attributes));
  object->grow(sizeof(std::shared_ptr<NamespaceObject>));
  namespaces_.push_back(object);
  return Value(Kind::kNamespace, std::move(object));
}

}  // namespace trireme::runtime::jinja
