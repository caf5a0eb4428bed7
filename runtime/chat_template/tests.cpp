// The tests that follow `is`.
#include <algorithm>
#include <array>

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

template <bool (*predicate)(const Value&)>
Result<bool> plain(Interpreter&, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("the test", arguments, {}));
  return predicate(value);
}

bool defined(const Value& value) { return !value.is_undefined(); }
bool undefined(const Value& value) { return value.is_undefined(); }
bool none(const Value& value) { return value.is_none(); }
bool boolean(const Value& value) { return value.is(Kind::kBool); }
bool truth(const Value& value) { return value.is(Kind::kBool) && value.as_bool(); }
bool falsehood(const Value& value) { return value.is(Kind::kBool) && !value.as_bool(); }
bool integer(const Value& value) { return value.is(Kind::kInt); }
bool floating(const Value& value) { return value.is(Kind::kFloat); }
bool number(const Value& value) { return value.is_number(); }
bool string(const Value& value) { return value.is_string(); }
bool mapping(const Value& value) { return value.is(Kind::kDict); }
bool escaped(const Value& value) { return value.is_markup(); }
bool sequence(const Value& value) {
  return value.is_string() || value.is_sequence() || value.is(Kind::kDict) || value.is(Kind::kRange) ||
         value.is_undefined();
}
bool callable(const Value& value) {
  constexpr std::array kKinds = {Kind::kMacro,  Kind::kMethod, Kind::kFunction,
                                 Kind::kJoiner, Kind::kLoop,   Kind::kUndefined};
  return std::find(kKinds.begin(), kKinds.end(), value.kind()) != kKinds.end();
}

template <int remainder>
Result<bool> parity(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("the test", arguments, {}));
  TRIREME_ASSIGN(const Value rest, arithmetic(interpreter.budget(), "%", value, Value::integer(std::int64_t{2})));
  return are_equal(interpreter.budget(), rest, Value::integer(std::int64_t{remainder}));
}

Result<bool> divisible(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("divisibleby", arguments, {"num"}, 1));
  TRIREME_ASSIGN(const Value rest, arithmetic(interpreter.budget(), "%", value, *bound[0]));
  return are_equal(interpreter.budget(), rest, Value::integer(std::int64_t{0}));
}

template <bool upper>
Result<bool> letter_case(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("the test", arguments, {}));
  TRIREME_ASSIGN(const std::string text, to_text(interpreter.budget(), value));
  return is_class(text, upper ? "isupper" : "islower");
}

Result<bool> same_as(Interpreter&, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("sameas", arguments, {"other"}, 1));
  const Value& other = *bound[0];
  if (value.kind() != other.kind()) return false;
  if (value.is_none()) return true;
  if (value.is_integral()) return value.as_int() == other.as_int();
  return value.object() != nullptr && value.object() == other.object();
}

Result<bool> in(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("in", arguments, {"seq"}, 1));
  return contains(interpreter.budget(), *bound[0], value);
}

Result<bool> exists(const Value& value, bool filter) {
  if (!value.is_string()) {
    TRIREME_TRY(hash_text(value));
    return false;
  }
  return filter ? find_filter(value.text()) != nullptr : find_test(value.text()) != nullptr;
}
Result<bool> is_filter(Interpreter&, const Value& value, Given) { return exists(value, true); }
Result<bool> is_test(Interpreter&, const Value& value, Given) { return exists(value, false); }

template <char first, char second>
Result<bool> ordered(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("the comparison", arguments, {"other"}, 1));
  constexpr char kOperator[] = {first, second, '\0'};
  return compare(interpreter.budget(), kOperator, value, *bound[0]);
}

struct NamedTest {
  std::string_view name;
  Test test;
};

constexpr NamedTest kTests[] = {
    {"odd", parity<1>},
    {"even", parity<0>},
    {"divisibleby", divisible},
    {"defined", plain<defined>},
    {"undefined", plain<undefined>},
    {"filter", is_filter},
    {"test", is_test},
    {"none", plain<none>},
    {"boolean", plain<boolean>},
    {"false", plain<falsehood>},
    {"true", plain<truth>},
    {"integer", plain<integer>},
    {"float", plain<floating>},
    {"lower", letter_case<false>},
    {"upper", letter_case<true>},
    {"string", plain<string>},
    {"mapping", plain<mapping>},
    {"number", plain<number>},
    {"sequence", plain<sequence>},
    {"iterable", plain<is_iterable>},
    {"callable", plain<callable>},
    {"sameas", same_as},
    {"escaped", plain<escaped>},
    {"in", in},
    {"==", ordered<'=', '='>},
    {"eq", ordered<'=', '='>},
    {"equalto", ordered<'=', '='>},
    {"!=", ordered<'!', '='>},
    {"ne", ordered<'!', '='>},
    {">", ordered<'>', '\0'>},
    {"gt", ordered<'>', '\0'>},
    {"greaterthan", ordered<'>', '\0'>},
    {"ge", ordered<'>', '='>},
    {">=", ordered<'>', '='>},
    {"<", ordered<'<', '\0'>},
    {"lt", ordered<'<', '\0'>},
    {"lessthan", ordered<'<', '\0'>},
    {"<=", ordered<'<', '='>},
    {"le", ordered<'<', '='>},
};

}  // namespace

Test find_test(std::string_view name) {
  for (const NamedTest& test : kTests) {
    if (test.name == name) return test.test;
  }
  return nullptr;
}

}  // namespace trireme::runtime::jinja
