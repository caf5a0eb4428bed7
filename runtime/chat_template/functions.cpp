// The global functions of a chat template.
#include <chrono>
#include <ctime>

#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // the sandbox's own limit

Result<Value> call_range(Interpreter& interpreter, const CallArguments& arguments) {
  if (!arguments.keyword.empty()) return template_error("range() takes no keyword arguments");
  const auto& values = arguments.positional;
  if (values.empty() || values.size() > 3) return template_error("range expected 1 to 3 arguments");
  for (const Value& value : values) {
    if (value.is_undefined()) return undefined_error(value);
    if (!value.is_integral()) {
      return template_error("'" + std::string(type_name(value)) + "' object cannot be interpreted as an integer");
    }
  }
  const std::int64_t start = values.size() > 1 ? values[0].as_int() : 0;
  const std::int64_t stop = values.size() > 1 ? values[1].as_int() : values[0].as_int();
  const std::int64_t step = values.size() > 2 ? values[2].as_int() : 1;
  if (step == 0) return template_error("range() arg 3 must not be zero");
  auto range = std::make_shared<RangeObject>(interpreter.budget(), start, stop, step);
  if (range->length > kMaxRange) {
    return template_error("a range may have at most " + std::to_string(kMaxRange) + " items");
  }
  return Value(Kind::kRange, std::move(range));
}

// dict(mapping or pairs, **more)
Result<std::shared_ptr<DictObject>> build_dict(Interpreter& interpreter, const CallArguments& arguments) {
  Budget& budget = interpreter.budget();
  auto dict = std::make_shared<DictObject>(budget);
  if (arguments.positional.size() > 1) return template_error("dict expected at most 1 argument");
  for (const Value& source : arguments.positional) {
    if (source.is(Kind::kDict)) {
      for (const auto& [key, value] : source.dict().entries) TRIREME_TRY(dict->set(key, value));
      continue;
    }
    TRIREME_ASSIGN(const std::vector<Value> pairs, to_vector(budget, source));
    for (const Value& pair : pairs) {
      TRIREME_ASSIGN(const std::vector<Value> both, to_vector(budget, pair));
      if (both.size() != 2) return template_error("dictionary update sequence element must have length 2");
      TRIREME_TRY(dict->set(both[0], both[1]));
    }
  }
  for (const auto& [name, value] : arguments.keyword) TRIREME_TRY(dict->set(make_string(budget, name), value));
  return dict;
}

std::tm time_of(std::chrono::local_seconds now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(now - day);
  std::tm out{};
  out.tm_year = static_cast<int>(date.year()) - 1900;
  out.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  out.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  out.tm_hour = static_cast<int>(clock.hours().count());
  out.tm_min = static_cast<int>(clock.minutes().count());
  out.tm_sec = static_cast<int>(clock.seconds().count());
  out.tm_wday = static_cast<int>(std::chrono::weekday(day).c_encoding());
  out.tm_yday = static_cast<int>((day - std::chrono::local_days(date.year() / std::chrono::January / 1)).count());
  return out;
}

Result<Value> call_strftime_now(Interpreter& interpreter, const CallArguments& arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("strftime_now", arguments, {"format"}, 1));
  if (!bound[0]->is_string()) return template_error("strftime() argument 1 must be str");
  std::tm now{};
  if (interpreter.input().now) {
    now = time_of(*interpreter.input().now);
  } else {
    const std::time_t seconds = std::time(nullptr);
    localtime_r(&seconds, &now);
  }
  std::string format;
  const std::string& given = bound[0]->text();
  if (given.find('\0') != std::string::npos) return template_error("embedded null character");
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] != '%' || i + 1 >= given.size()) {
      format.push_back(given[i]);
      continue;
    }
    const char code = given[++i];
    // A datetime without a zone prints nothing for these; its clock has whole seconds here.
    if (code == 'z' || code == 'Z') continue;
    if (code == 'f')
      format += "000000";
    else
      format += {'%', code};
  }
  if (format.empty()) return make_string(interpreter.budget(), {});
  // One byte more than the format, so that an empty result is told from a buffer that is too small.
  format.push_back(' ');
  TRIREME_TRY(interpreter.budget().admit(format.size() * 64));
  std::string out(format.size() * 64 + 64, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &now));
  if (out.empty()) return template_error("strftime_now cannot print its format");
  out.pop_back();
  return make_string(interpreter.budget(), std::move(out));
}

Result<Value> call_raise(Interpreter& interpreter, const CallArguments& arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("raise_exception", arguments, {"message"}, 1));
  TRIREME_ASSIGN(std::string message, to_text(interpreter.budget(), *bound[0]));
  return template_error("the template refuses the conversation: " + message, "change the messages");
}

}  // namespace

Result<Value> call_function(Interpreter& interpreter, const std::string& name, const CallArguments& arguments) {
  Budget& budget = interpreter.budget();
  if (name == "range") return call_range(interpreter, arguments);
  if (name == "raise_exception") return call_raise(interpreter, arguments);
  if (name == "strftime_now") return call_strftime_now(interpreter, arguments);
  if (name == "dict") return build_dict(interpreter, arguments).map(make_dict);
  if (name == "namespace") {
    TRIREME_ASSIGN(std::shared_ptr<DictObject> attributes, build_dict(interpreter, arguments));
    return interpreter.make_namespace(std::move(attributes));
  }
  if (name == "cycler") {
    if (!arguments.keyword.empty()) return template_error("cycler takes no keyword arguments");
    if (arguments.positional.empty()) return template_error("at least one item has to be provided");
    TRIREME_ASSIGN(Value items, make_tuple(budget, arguments.positional));
    return Value(Kind::kCycler, std::make_shared<CyclerObject>(budget, std::move(items)));
  }
  if (name == "joiner") {
    TRIREME_ASSIGN(BoundArguments bound, bind("joiner", arguments, {"sep"}));
    Value separator = bound[0] ? *bound[0] : make_string(budget, ", ");
    if (value_depth(separator) >= kMaxValueDepth) return template_error("values are nested too deeply");
    return Value(Kind::kJoiner, std::make_shared<JoinerObject>(budget, std::move(separator)));
  }
  return unsupported("the function " + name);
}

}  // namespace trireme::runtime::jinja
