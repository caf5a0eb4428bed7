#include "runtime/chat_template/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 1'000'000;
constexpr int kMaxPrecision = 1000;

struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =, or 0 for the type's own
  char sign = '-';
  bool alternate = false;
  char grouping = 0;
  std::int64_t width = 0;
  int precision = -1;
  char type = 0;
};

std::string pad(std::string body, std::size_t prefix, const Spec& spec, char default_align) {
  const std::size_t length = count_code_points(body);
  const auto width = static_cast<std::size_t>(spec.width);
  if (width <= length) return body;
  const std::size_t missing = width - length;
  const char align = spec.align != 0 ? spec.align : default_align;
  const auto filling = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += spec.fill;
    return text;
  };
  if (align == '<') return body + filling(missing);
  if (align == '^') return filling(missing / 2) + body + filling(missing - missing / 2);
  if (align == '=') return body.substr(0, prefix) + filling(missing) + body.substr(prefix);
  return filling(missing) + body;
}

std::string digits_of(std::uint64_t value, int base) {
  char buffer[72];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base).ptr;
  return std::string(buffer, end);
}

std::string group(std::string digits, char separator, std::size_t every) {
  if (separator == 0) return digits;
  for (std::size_t at = digits.size(); at > every;) {
    at -= every;
    digits.insert(at, 1, separator);
  }
  return digits;
}

std::string sign_of(bool negative, char sign) {
  if (negative) return "-";
  return sign == '-' ? "" : std::string(1, sign);
}

std::string format_float(double value, char type, int precision, bool alternate) {
  const char lower = static_cast<char>(type | 0x20);
  if (std::isnan(value)) return type == lower ? "nan" : "NAN";
  if (std::isinf(value)) return type == lower ? "inf" : "INF";
  const std::string pattern = std::string(alternate ? "%#.*" : "%.*") + type;
  const char* const format = pattern.c_str();
  const int size = std::snprintf(nullptr, 0, format, precision, value);
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), format, precision, value);
  text.pop_back();
  return text;
}

Result<std::string> format_number(const Value& value, Spec spec) {
  const bool integral = value.is_integral();
  char type = spec.type != 0 ? spec.type : integral ? 'd' : 'r';
  std::string body;
  bool negative = false;
  if (integral && std::string_view("bcdoxXn").find(type) != std::string_view::npos) {
    if (spec.precision >= 0) return template_error("Precision not allowed in integer format specifier");
    if (type == 'c') return unsupported("the format type 'c'");
    const std::int64_t number = value.as_int();
    negative = number < 0;
    const std::uint64_t magnitude =
        negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    const int base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
    body = group(digits_of(magnitude, base), spec.grouping, base == 10 ? 3 : 4);
    if (spec.alternate && base != 10) body = std::string("0") + type + body;
    if (type == 'X') body = to_upper(body);
  } else if (std::string_view("eEfFgG%r").find(type) != std::string_view::npos) {
    double number = value.as_double();
    negative = std::signbit(number) && !std::isnan(number);
    number = std::fabs(number);
    if (type == 'r' && spec.precision < 0) {
      body = float_repr(number);
    } else if (type == 'r') {
      return unsupported("a float format with a precision and without a type");
    } else {
      const bool percent = type == '%';
      body = format_float(percent ? number * 100 : number, percent ? 'f' : type,
                          spec.precision < 0 ? 6 : spec.precision, spec.alternate);
      if (percent) body += "%";
    }
    const std::size_t whole = std::min(body.find_first_not_of("0123456789"), body.size());
    body = group(body.substr(0, whole), spec.grouping, 3) + body.substr(whole);
  } else {
    return template_error(std::string("Unknown format code '") + type + "' for object of type '" +
                          std::string(type_name(value)) + "'");
  }
  const std::string sign = sign_of(negative, spec.sign);
  const std::size_t prefix =
      sign.size() + (spec.alternate && std::string_view("boxX").find(type) != std::string_view::npos ? 2 : 0);
  if (spec.grouping != 0 && spec.align == '=' && spec.fill == "0" && spec.width > 0) {
    return unsupported("a zero-padded number with separators");
  }
  return pad(sign + body, prefix, spec, '>');
}

std::string truncated(const std::string& text, int precision) {
  return precision < 0 ? text : text.substr(0, byte_offset(text, static_cast<std::size_t>(precision)));
}

// The format specification mini-language.
Result<Spec> parse_spec(std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (!text.empty()) {
    std::size_t next = 0;
    next_code_point(text, next);
    if (next < text.size() && is_align(text[next])) {
      spec.fill = std::string(text.substr(0, next));
      spec.align = text[next];
      at = next + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      at = 1;
    }
  }
  const auto take = [&](std::string_view set) -> char {
    return at < text.size() && set.find(text[at]) != std::string_view::npos ? text[at++] : '\0';
  };
  if (const char sign = take("+- "); sign != 0) spec.sign = sign;
  spec.alternate = take("#") != 0;
  if (take("0") != 0 && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  const auto number = [&](std::int64_t& out) {
    const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), out);
    if (parsed.ec != std::errc()) return false;
    at = static_cast<std::size_t>(parsed.ptr - text.data());
    return true;
  };
  if (at < text.size() && text[at] >= '0' && text[at] <= '9' && !number(spec.width))
    return unsupported("so wide a field");
  spec.grouping = take(",_");
  if (take(".") != 0) {
    std::int64_t precision = 0;
    if (at >= text.size() || text[at] < '0' || text[at] > '9')
      return template_error("Format specifier missing precision");
    if (!number(precision) || precision > kMaxPrecision) return unsupported("so large a precision");
    spec.precision = static_cast<int>(precision);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) return template_error("Invalid format specifier '" + std::string(text) + "'");
  if (spec.width > kMaxWidth) return unsupported("so wide a field");
  return spec;
}

Result<std::string> format_value(Budget& budget, const Value& value, std::string_view text) {
  TRIREME_ASSIGN(Spec spec, parse_spec(text));
  TRIREME_TRY(budget.admit(static_cast<std::size_t>(spec.width) * spec.fill.size()));
  if (text.empty()) return to_text(budget, value);
  if (value.is(Kind::kBool) && spec.type == 0) {
    return unsupported("a bool with a format specification");
  }
  if (value.is_number()) return format_number(value, spec);
  if (!value.is_string() && !value.is_undefined()) {
    return template_error("unsupported format string passed to " + std::string(type_name(value)) + ".__format__");
  }
  if (value.is_undefined()) return template_error("unsupported format string passed to Undefined.__format__");
  if (spec.type != 0 && spec.type != 's') return template_error("Unknown format code for object of type 'str'");
  if (spec.sign != '-' || spec.alternate || spec.grouping != 0 || spec.align == '=') {
    if (spec.fill != "0" || spec.align != '=') return template_error("this format is not allowed for a string");
    spec.align = '<';
  }
  return pad(truncated(value.text(), spec.precision), 0, spec, '<');
}

// The % operator.
class PercentFormatter {
 public:
  PercentFormatter(Budget& budget, const Value& format, const Value& arguments)
      : budget_(budget), format_(format.text()), arguments_(arguments) {}

  Result<std::string> run() {
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) TRIREME_TRY(conversion());
    }
    // What could be a mapping need not be used.
    const bool mapping = arguments_.is(Kind::kDict) || arguments_.is(Kind::kList) || arguments_.is(Kind::kRange) ||
                         arguments_.is_undefined();
    const std::size_t given = arguments_.is(Kind::kTuple) ? arguments_.items().size() : 1;
    if (!mapping && used_ < given) {
      return template_error("not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  Result<Value> next_argument() {
    if (arguments_.is(Kind::kTuple)) {
      if (used_ >= arguments_.items().size()) return template_error("not enough arguments for format string");
      return arguments_.items()[used_++];
    }
    if (used_++ > 0) return template_error("not enough arguments for format string");
    return arguments_;
  }

  Result<std::int64_t> number_or_star() {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      TRIREME_ASSIGN(const Value value, next_argument());
      if (!value.is_integral()) return template_error("* wants int");
      if (value.as_int() > kMaxWidth || value.as_int() < -kMaxWidth) return unsupported("so wide a field");
      return value.as_int();
    }
    std::int64_t number = 0;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
      number = number * 10 + (format_[at_++] - '0');
      if (number > kMaxWidth) return unsupported("so wide a field");
    }
    return number;
  }

  Status conversion() {
    std::optional<Value> named;
    if (at_ < format_.size() && format_[at_] == '(') {
      if (!arguments_.is(Kind::kDict)) return template_error("format requires a mapping");
      const std::size_t end = format_.find(')', at_);
      if (end == std::string::npos) return template_error("incomplete format key");
      const std::string key = format_.substr(at_ + 1, end - at_ - 1);
      const Value* const found = arguments_.dict().find(key);
      if (found == nullptr) return template_error("the format has no argument '" + key + "'");
      named = *found;
      at_ = end + 1;
    }
    Spec spec;
    bool zero = false;
    for (; at_ < format_.size() && std::string_view("-+ 0#").find(format_[at_]) != std::string_view::npos; ++at_) {
      const char c = format_[at_];
      if (c == '-')
        spec.align = '<';
      else if (c == '0')
        zero = true;
      else if (c == '#')
        spec.alternate = true;
      else if (c == '+' || spec.sign != '+')
        spec.sign = c;
    }
    TRIREME_ASSIGN(spec.width, number_or_star());
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -spec.width;
    }
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      TRIREME_ASSIGN(const std::int64_t precision, number_or_star());
      if (precision > kMaxPrecision) return unsupported("so large a precision");
      spec.precision = static_cast<int>(std::max<std::int64_t>(precision, 0));
    }
    while (at_ < format_.size() && (format_[at_] == 'h' || format_[at_] == 'l' || format_[at_] == 'L')) ++at_;
    if (at_ >= format_.size()) return template_error("incomplete format");
    const char type = format_[at_++];
    if (type == '%') {
      out_.push_back('%');
      return {};
    }
    Value value;
    if (named) {
      value = *named;
    } else {
      TRIREME_ASSIGN(value, next_argument());
    }
    TRIREME_TRY(budget_.admit(static_cast<std::size_t>(spec.width)));
    return convert(value, type, spec, zero);
  }

  Status convert(const Value& value, char type, Spec spec, bool zero) {
    if (type == 's' || type == 'r' || type == 'a') {
      if (type == 'a') return unsupported("the format type 'a'");
      TRIREME_ASSIGN(const std::string text, type == 's' ? to_text(budget_, value) : to_repr(budget_, value));
      out_ += pad(truncated(text, spec.precision), 0, spec, '>');
      return {};
    }
    if (value.is_undefined()) return undefined_error(value);
    if (type == 'c') return unsupported("the format type 'c'");
    const bool integer = std::string_view("diuoxX").find(type) != std::string_view::npos;
    if (!integer && std::string_view("eEfFgG").find(type) == std::string_view::npos) {
      return template_error(std::string("unsupported format character '") + type + "'");
    }
    if (!value.is_number()) {
      return template_error(std::string("%") + type + " format: a number is required, not " +
                            std::string(type_name(value)));
    }
    Value number = value;
    if (integer && value.is(Kind::kFloat)) {
      if (std::string_view("oxX").find(type) != std::string_view::npos)
        return template_error("an integer is required, not float");
      if (!(std::fabs(value.as_double()) < 9.2e18)) return unsupported("an integer of more than 64 bits");
      number = Value::integer(static_cast<std::int64_t>(value.as_double()));
    }
    spec.type = integer && type != 'o' && type != 'x' && type != 'X' ? 'd' : type;
    if (integer && spec.precision >= 0) return unsupported("an integer format with a precision");
    if (zero && spec.align == 0) {
      spec.fill = "0";
      spec.align = '=';
    }
    TRIREME_ASSIGN(const std::string text, format_number(number, spec));
    out_ += text;
    return {};
  }

  Budget& budget_;
  const std::string& format_;
  const Value& arguments_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
};

// str.format.
class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const CallArguments& arguments)
      : interpreter_(interpreter), arguments_(arguments) {}

  Result<std::string> run(std::string_view format, int level = 0) {
    if (level > 1) return template_error("Max string recursion exceeded");
    std::string out;
    for (std::size_t at = 0; at < format.size();) {
      const char c = format[at++];
      if (c != '{' && c != '}') {
        out.push_back(c);
      } else if (at < format.size() && format[at] == c) {
        out.push_back(c);
        ++at;
      } else if (c == '}') {
        return template_error("Single '}' encountered in format string");
      } else {
        TRIREME_ASSIGN(const std::string text, field(format, at, level));
        TRIREME_TRY(interpreter_.budget().admit(out.size() / 64 + text.size()));
        out += text;
      }
    }
    return out;
  }

 private:
  Result<std::string> field(std::string_view format, std::size_t& at, int level) {
    const std::size_t start = at;
    int open = 1;
    while (at < format.size() && open > 0) {
      open += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
      ++at;
    }
    if (open > 0) return template_error("expected '}' before end of string");
    const std::string_view content = format.substr(start, at - 1 - start);
    const std::size_t name_end = std::min(content.find_first_of("!:"), content.size());
    char conversion = 0;
    std::size_t spec_start = name_end;
    if (name_end < content.size() && content[name_end] == '!') {
      if (name_end + 1 >= content.size()) return template_error("unmatched '{' in format spec");
      conversion = content[name_end + 1];
      spec_start = name_end + 2;
      if (spec_start < content.size() && content[spec_start] != ':') {
        return template_error("expected ':' after conversion specifier");
      }
    }
    TRIREME_ASSIGN(Value value, lookup(content.substr(0, name_end)));
    std::string spec;
    if (spec_start < content.size()) {
      TRIREME_ASSIGN(spec, run(content.substr(spec_start + 1), level + 1));
    }
    Budget& budget = interpreter_.budget();
    if (conversion == 's' || conversion == 'r') {
      TRIREME_ASSIGN(std::string text, conversion == 's' ? to_text(budget, value) : to_repr(budget, value));
      value = make_string(budget, std::move(text));
    } else if (conversion != 0) {
      return template_error(std::string("Unknown conversion specifier ") + conversion);
    }
    return format_value(budget, value, spec);
  }

  Result<Value> lookup(std::string_view name) {
    const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
    const std::string first(name.substr(0, first_end));
    TRIREME_ASSIGN(Value value, argument(first));
    for (std::size_t at = first_end; at < name.size();) {
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) return template_error("Empty attribute in format string");
        TRIREME_ASSIGN(value, interpreter_.attribute(value, std::string(name.substr(at + 1, end - at - 1))));
        at = end;
        continue;
      }
      const std::size_t end = name.find(']', at);
      if (name[at] != '[' || end == std::string_view::npos) return template_error("Missing ']' in format string");
      if (end == at + 1) return template_error("Empty attribute in format string");
      const std::string key(name.substr(at + 1, end - at - 1));
      std::int64_t index = 0;
      const bool number = key.find_first_not_of("0123456789") == std::string::npos;
      if (number && parse_integer(key, 10, index) != IntegerParse::kOk)
        return template_error("Too many decimal digits");
      TRIREME_ASSIGN(
          value, interpreter_.item(value, number ? Value::integer(index) : make_string(interpreter_.budget(), key)));
      at = end + 1;
    }
    return value;
  }

  Result<Value> argument(const std::string& name) {
    const bool number = name.find_first_not_of("0123456789") == std::string::npos;
    if (number) {
      std::int64_t index = automatic_;
      if (name.empty() ? manual_ : automatic_ > 0) {
        return template_error("cannot mix manual field numbering with automatic field numbering");
      }
      if (name.empty())
        ++automatic_;
      else {
        manual_ = true;
        if (parse_integer(name, 10, index) != IntegerParse::kOk) return template_error("Too many decimal digits");
      }
      if (index >= static_cast<std::int64_t>(arguments_.positional.size())) {
        return template_error("Replacement index " + std::to_string(index) + " out of range");
      }
      return arguments_.positional[static_cast<std::size_t>(index)];
    }
    for (const auto& [key, value] : arguments_.keyword) {
      if (key == name) return value;
    }
    return template_error("the format has no argument '" + name + "'");
  }

  Interpreter& interpreter_;
  const CallArguments& arguments_;
  std::int64_t automatic_ = 0;
  bool manual_ = false;
};

}  // namespace

Result<Value> format_percent(Budget& budget, const Value& format, const Value& arguments) {
  if (format.is_markup()) return unsupported("format of escaped text");
  TRIREME_TRY(budget.admit(format.text().size()));
  TRIREME_ASSIGN(std::string text, PercentFormatter(budget, format, arguments).run());
  TRIREME_TRY(budget.admit(text.size()));
  return make_string(budget, std::move(text));
}

Result<Value> format_braces(Interpreter& interpreter, const Value& format, const CallArguments& arguments) {
  if (format.is_markup()) return unsupported("format of escaped text");
  TRIREME_TRY(interpreter.budget().admit(format.text().size()));
  TRIREME_ASSIGN(std::string text, BraceFormatter(interpreter, arguments).run(format.text()));
  return make_string(interpreter.budget(), std::move(text));
}

}  // namespace trireme::runtime::jinja
