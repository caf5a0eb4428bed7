#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

Result<Value> absolute(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("abs", arguments, {}));
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kFloat)) return Value::floating(std::fabs(value.as_double()));
  if (!value.is_integral())
    return template_error("bad operand type for abs(): '" + std::string(type_name(value)) + "'");
  return value.as_int() < 0 ? arithmetic(interpreter.budget(), "-", Value::integer(std::int64_t{0}), value)
                            : Value::integer(value.as_int());
}

Result<Value> truncated(double number) {
  if (!(std::fabs(number) < 9.2e18)) return unsupported("an integer of more than 64 bits");
  return Value::integer(static_cast<std::int64_t>(number));
}

Result<Value> integer(Interpreter&, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("int", arguments, {"default", "base"}));
  TRIREME_ASSIGN(const std::int64_t base, integer_of(bound[1], 10));
  const Value otherwise = bound[0] ? *bound[0] : Value::integer(std::int64_t{0});
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return Value::integer(value.as_int());
  if (value.is(Kind::kFloat)) {
    const double number = value.as_double();
    if (std::isnan(number)) return otherwise;
    if (std::isinf(number)) return template_error("cannot convert float infinity to integer");
    return truncated(number);
  }
  if (!value.is_string()) return otherwise;
  std::int64_t out = 0;
  const IntegerParse parsed = parse_integer(value.text(), base < 0 || base > 36 ? 1 : static_cast<int>(base), out);
  if (parsed == IntegerParse::kOk) return Value::integer(out);
  if (parsed == IntegerParse::kOverflow) return unsupported("an integer of more than 64 bits");
  double number = 0;
  if (!parse_float(value.text(), number) || !std::isfinite(number)) return otherwise;
  return truncated(number);
}

Result<Value> floating(Interpreter&, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("float", arguments, {"default"}));
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_number()) return Value::floating(value.as_double());
  double number = 0;
  if (value.is_string() && parse_float(value.text(), number)) return Value::floating(number);
  return bound[0] ? *bound[0] : Value::floating(0);
}

Result<Value> round_filter(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("round", arguments, {"precision", "method"}));
  TRIREME_ASSIGN(const std::int64_t precision, integer_of(bound[0], 0));
  std::string method = "common";
  if (bound[1]) {
    TRIREME_ASSIGN(method, to_text(budget, *bound[1]));
  }
  if (method != "common" && method != "ceil" && method != "floor") {
    return template_error("method must be common, ceil or floor");
  }
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_number()) return template_error("type " + std::string(type_name(value)) + " cannot be rounded");
  if (precision < 0 || precision > 300) return unsupported("round with such a precision");
  if (method == "common") {
    if (value.is_integral()) return Value::integer(value.as_int());
    if (!std::isfinite(value.as_double())) return value;
    // The C library rounds the exact binary value half to even, as Python does.
    char text[700];
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(precision), value.as_double());
    return Value::floating(std::strtod(text, nullptr));
  }
  const Value ten = Value::integer(std::int64_t{10});
  TRIREME_ASSIGN(const Value scale, arithmetic(budget, "**", ten, Value::integer(precision)));
  TRIREME_ASSIGN(const Value scaled, arithmetic(budget, "*", value, scale));
  Value whole = scaled;
  if (scaled.is(Kind::kFloat)) {
    const double number = scaled.as_double();
    if (!std::isfinite(number)) return template_error("cannot convert float infinity or NaN to integer");
    TRIREME_ASSIGN(whole, truncated(method == "ceil" ? std::ceil(number) : std::floor(number)));
  }
  return arithmetic(budget, "/", whole, scale);
}

Result<Value> file_size(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("filesizeformat", arguments, {"binary"}));
  TRIREME_ASSIGN(const Value number, floating(interpreter, value, {}));
  double parsed = 0;
  if (!value.is_number() && !(value.is_string() && parse_float(value.text(), parsed))) {
    return template_error("filesizeformat needs a number");
  }
  const double bytes = number.as_double();
  const bool binary = flag(bound[0]);
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return make_string(interpreter.budget(), "1 Byte");
  if (bytes < base)
    return make_string(interpreter.budget(), std::to_string(static_cast<std::int64_t>(bytes)) + " Bytes");
  constexpr const char* kLetters[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  double unit = base;
  std::size_t i = 0;
  for (unit *= base; i < 7 && bytes >= unit; ++i) unit *= base;
  char text[400];
  std::snprintf(text, sizeof text, "%.1f %s%s", base * bytes / unit, binary && i == 0 ? "K" : kLetters[i],
                binary ? "iB" : "B");
  return make_string(interpreter.budget(), text);
}

constexpr NamedFilter kNumberFilters[] = {
    {"abs", absolute}, {"int", integer}, {"float", floating}, {"round", round_filter}, {"filesizeformat", file_size},
};

}  // namespace

std::span<const NamedFilter> number_filters() { return kNumberFilters; }

}  // namespace trireme::runtime::jinja
