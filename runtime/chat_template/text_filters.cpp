#include <algorithm>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/format.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

// A filter that is a method of str on soft_str(value).
template <std::string (*convert)(std::string_view)>
Result<Value> converted(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("the filter", arguments, {}));
  TRIREME_ASSIGN(const Value text, soft_text(budget, value));
  TRIREME_TRY(budget.admit(text.text().size()));
  return make_string(budget, convert(text.text()), text.is_markup());
}

// Jinja's own title: words begin behind spaces, hyphens and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const auto breaks = [&](std::size_t& position) {
      const char32_t c = next_code_point(text, position);
      return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    };
    std::size_t next = at;
    const bool separator = breaks(next);
    while (next < text.size()) {
      std::size_t behind = next;
      if (breaks(behind) != separator) break;
      next = behind;
    }
    const std::string_view word = text.substr(start, next - start);
    std::size_t first = 0;
    next_code_point(word, first);
    out += to_upper(word.substr(0, first)) + to_lower(word.substr(first));
    at = next;
  }
  return out;
}

Result<Value> trim(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("trim", arguments, {"chars"}));
  TRIREME_ASSIGN(const Value text, soft_text(interpreter.budget(), value));
  CallArguments chars;
  if (bound[0]) chars.positional.push_back(*bound[0]);
  return call_method(interpreter, text, "strip", chars);
}

Result<Value> center(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("center", arguments, {"width"}));
  TRIREME_ASSIGN(const std::int64_t width, integer_of(bound[0], 80));
  TRIREME_ASSIGN(const Value text, soft_text(interpreter.budget(), value));
  TRIREME_ASSIGN(std::string out, justified(interpreter.budget(), text.text(), "center", width, " "));
  return make_string(interpreter.budget(), std::move(out), text.is_markup());
}

Result<Value> string(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("string", arguments, {}));
  return soft_text(interpreter.budget(), value);
}

Result<Value> replace(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("replace", arguments, {"old", "new", "count"}, 2));
  TRIREME_ASSIGN(const std::string text, to_text(budget, value));
  TRIREME_ASSIGN(const std::string old_text, to_text(budget, *bound[0]));
  TRIREME_ASSIGN(const std::string new_text, to_text(budget, *bound[1]));
  std::int64_t limit = -1;
  if (bound[2] && !bound[2]->is_none()) {
    TRIREME_ASSIGN(limit, integer_of(bound[2], -1));
  }
  TRIREME_ASSIGN(std::string out, replace_text(budget, text, old_text, new_text, limit));
  return make_string(budget, std::move(out));
}

Result<Value> escape(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("escape", arguments, {}));
  if (value.is_markup()) return value;
  TRIREME_ASSIGN(const std::string text, to_text(interpreter.budget(), value));
  return make_string(interpreter.budget(), escape_html(text), true);
}

Result<Value> force_escape(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("forceescape", arguments, {}));
  TRIREME_ASSIGN(const std::string text, to_text(interpreter.budget(), value));
  return make_string(interpreter.budget(), escape_html(text), true);
}

Result<Value> safe(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("safe", arguments, {}));
  TRIREME_ASSIGN(std::string text, to_text(interpreter.budget(), value));
  return make_string(interpreter.budget(), std::move(text), true);
}

Result<Value> format(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  if (!arguments.positional.empty() && !arguments.keyword.empty()) {
    return template_error("can't handle positional and keyword arguments at the same time");
  }
  TRIREME_ASSIGN(const Value text, soft_text(budget, value));
  if (arguments.keyword.empty()) {
    TRIREME_ASSIGN(const Value tuple, make_tuple(budget, arguments.positional));
    return format_percent(budget, text, tuple);
  }
  auto dict = std::make_shared<DictObject>(budget);
  for (const auto& [name, item] : arguments.keyword) TRIREME_TRY(dict->set(make_string(budget, name), item));
  return format_percent(budget, text, make_dict(std::move(dict)));
}

// Lines as s.splitlines() gives them after one more newline was added.
Result<Value> indent(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("indent", arguments, {"width", "first", "blank"}));
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_string()) return template_error("indent works on text, not on " + std::string(type_name(value)));
  if (value.is_markup()) return unsupported("indent of escaped text");
  std::string by;
  if (bound[0] && bound[0]->is_string()) {
    by = bound[0]->text();
  } else {
    TRIREME_ASSIGN(const std::int64_t width, integer_of(bound[0], 4));
    TRIREME_TRY(budget.admit(static_cast<std::size_t>(std::max<std::int64_t>(width, 0))));
    by.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  const std::string whole = value.text() + "\n";
  std::string out;
  bool first = true;
  for (std::string_view line : split_lines(whole, false)) {
    TRIREME_TRY(admit_growth(budget, out.size(), line.size() + by.size() + 1));
    if (!first) out += "\n";
    if (first ? flag(bound[1]) : flag(bound[2]) || !line.empty()) out += by;
    out += line;
    first = false;
  }
  return make_string(budget, std::move(out));
}

Result<Value> truncate(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
  TRIREME_ASSIGN(const std::int64_t length, integer_of(bound[0], 255));
  const Value end = bound[2] ? *bound[2] : make_string(budget, "...");
  if (!end.is_string()) return template_error("truncate's end is no text");
  TRIREME_ASSIGN(const std::int64_t leeway, integer_of(bound[3] && !bound[3]->is_none() ? bound[3] : std::nullopt, 5));
  const auto end_length = static_cast<std::int64_t>(string_length(end));
  if (length < end_length || leeway < 0) return template_error("truncate's length is shorter than its end");
  TRIREME_ASSIGN(const std::size_t size, length_of(value));
  if (static_cast<std::int64_t>(size) - leeway <= length) return value;
  if (!value.is_string()) return template_error("truncate works on text, not on " + std::string(type_name(value)));
  TRIREME_TRY(budget.admit(value.text().size()));
  std::string text = value.text().substr(0, byte_offset(value.text(), static_cast<std::size_t>(length - end_length)));
  if (!flag(bound[1])) text = text.substr(0, text.rfind(' '));
  return arithmetic(budget, "+", make_string(budget, std::move(text), value.is_markup()), end);
}

Result<Value> word_count(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("wordcount", arguments, {}));
  TRIREME_ASSIGN(const Value text, soft_text(interpreter.budget(), value));
  std::int64_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.text().size();) {
    const bool word = is_word(next_code_point(text.text(), at));
    count += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(count);
}

std::string quote_url(std::string_view text, bool query) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !query);
    if (plain)
      out.push_back(c);
    else if (query && c == ' ')
      out.push_back('+');
    else
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15u]};
  }
  return out;
}

Result<Value> url_encode(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("urlencode", arguments, {}));
  if (value.is_string() || !is_iterable(value)) {
    TRIREME_ASSIGN(const std::string text, to_text(budget, value));
    return make_string(budget, quote_url(text, false));
  }
  Value pairs = value;
  if (value.is(Kind::kDict)) {
    TRIREME_ASSIGN(pairs, call_method(interpreter, value, "items", {}));
  }
  TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget, pairs));
  std::string out;
  for (const Value& item : items) {
    TRIREME_ASSIGN(const std::vector<Value> pair, to_vector(budget, item));
    if (pair.size() != 2) return template_error("urlencode needs pairs");
    TRIREME_ASSIGN(const std::string key, to_text(budget, pair[0]));
    TRIREME_ASSIGN(const std::string text, to_text(budget, pair[1]));
    TRIREME_TRY(admit_growth(budget, out.size(), 3 * (key.size() + text.size())));
    if (!out.empty()) out += "&";
    out += quote_url(key, true) + "=" + quote_url(text, true);
  }
  return make_string(budget, std::move(out));
}

// json.dumps with the arguments that transformers' own tojson passes on.
Result<Value> to_json_filter(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound,
                 bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = flag(bound[0]);
  style.sort_keys = flag(bound[3]);
  if (bound[1] && !bound[1]->is_none()) {
    if (bound[1]->is_string()) {
      style.indent = bound[1]->text();
    } else {
      TRIREME_ASSIGN(const std::int64_t width, integer_of(bound[1], 0));
      if (width > 1000) return unsupported("so wide an indent");
      style.indent = std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
    style.item_separator = ",";
  }
  if (bound[2] && !bound[2]->is_none()) {
    TRIREME_ASSIGN(const std::vector<Value> separators, to_vector(budget, *bound[2]));
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      return template_error("tojson needs two separators");
    }
    style.item_separator = separators[0].text();
    style.key_separator = separators[1].text();
  }
  TRIREME_ASSIGN(std::string text, to_json(budget, value, style));
  return make_string(budget, std::move(text));
}

constexpr NamedFilter kTextFilters[] = {
    {"upper", converted<to_upper>},
    {"lower", converted<to_lower>},
    {"capitalize", converted<to_capitalized>},
    {"title", converted<title_words>},
    {"trim", trim},
    {"center", center},
    {"string", string},
    {"replace", replace},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"safe", safe},
    {"format", format},
    {"indent", indent},
    {"truncate", truncate},
    {"wordcount", word_count},
    {"urlencode", url_encode},
    {"tojson", to_json_filter},
};

}  // namespace

std::span<const NamedFilter> text_filters() { return kTextFilters; }

}  // namespace trireme::runtime::jinja
