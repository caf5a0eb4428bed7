#include "runtime/chat_template/filters.h"

#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {

Filter find_filter(std::string_view name) {
  for (const auto& filters : {text_filters(), number_filters(), sequence_filters(), lazy_filters()}) {
    for (const NamedFilter& filter : filters) {
      if (filter.name == name) return filter.filter;
    }
  }
  return nullptr;
}

Result<AttributePath> AttributePath::parse(Budget& budget, const Value& attribute) {
  AttributePath path;
  if (attribute.is_none()) return path;
  if (!attribute.is_string()) {
    path.parts_.push_back(attribute);
    return path;
  }
  std::string_view rest = attribute.text();
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    std::int64_t index = 0;
    if (is_class(part, "isdigit") && parse_integer(part, 10, index) == IntegerParse::kOk) {
      path.parts_.push_back(Value::integer(index));
    } else {
      path.parts_.push_back(make_string(budget, std::string(part)));
    }
    if (dot == std::string_view::npos) return path;
    rest.remove_prefix(dot + 1);
  }
}

Result<Value> AttributePath::get(Interpreter& interpreter, Value item) const {
  for (const Value& part : parts_) {
    TRIREME_TRY(interpreter.budget().work(1));
    TRIREME_ASSIGN(item, interpreter.item(item, part));
    if (default_ && item.is_undefined()) item = *default_;
  }
  return item;
}

Value ignoring_case(Budget& budget, const Value& value) {
  return value.is_string() ? make_string(budget, to_lower(value.text())) : value;
}

Result<Value> make_generator(Budget& budget, GeneratorObject::Next next, int depth) {
  if (depth > kMaxValueDepth) return template_error("values are nested too deeply");
  return Value(Kind::kGenerator, std::make_shared<GeneratorObject>(budget, std::move(next), depth));
}

Result<Value> make_generator(Budget& budget, std::vector<Value> items) {
  TRIREME_ASSIGN(const Value list, make_list(budget, std::move(items)));
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(list));
  return make_generator(
      budget, [iterator](Value& item) mutable { return iterator.next(item); }, value_depth(list) + 1);
}

Result<Value> soft_text(Budget& budget, const Value& value) {
  if (value.is_string()) return value;
  TRIREME_ASSIGN(std::string text, to_text(budget, value));
  return make_string(budget, std::move(text));
}

bool flag(const std::optional<Value>& argument, bool otherwise) { return argument ? is_true(*argument) : otherwise; }

Result<std::int64_t> integer_of(const std::optional<Value>& argument, std::int64_t otherwise) {
  if (!argument) return otherwise;
  if (argument->is_undefined()) return undefined_error(*argument);
  if (!argument->is_integral())
    return template_error("an integer is required, not " + std::string(type_name(*argument)));
  return argument->as_int();
}

}  // namespace trireme::runtime::jinja
