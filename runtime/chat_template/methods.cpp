// The methods of Python's built-in types.
#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/chat_template/format.h"
#include "runtime/chat_template/interpreter.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr auto kStringNames = std::to_array<std::string_view>(
    {"capitalize", "casefold",     "center",       "count",   "encode",     "endswith",    "expandtabs",
     "find",       "format",       "format_map",   "index",   "isalnum",    "isalpha",     "isascii",
     "isdecimal",  "isdigit",      "isidentifier", "islower", "isnumeric",  "isprintable", "isspace",
     "istitle",    "isupper",      "join",         "ljust",   "lower",      "lstrip",      "maketrans",
     "partition",  "removeprefix", "removesuffix", "replace", "rfind",      "rindex",      "rjust",
     "rpartition", "rsplit",       "rstrip",       "split",   "splitlines", "startswith",  "strip",
     "swapcase",   "title",        "translate",    "upper",   "zfill"});
constexpr auto kMarkupNames = std::to_array<std::string_view>({"escape", "striptags", "unescape"});
constexpr auto kDictNames = std::to_array<std::string_view>(
    {"clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"});
constexpr auto kDictHidden = std::to_array<std::string_view>({"clear", "pop", "popitem", "setdefault", "update"});
constexpr auto kListNames = std::to_array<std::string_view>(
    {"append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"});
constexpr auto kListHidden =
    std::to_array<std::string_view>({"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"});
constexpr auto kTupleNames = std::to_array<std::string_view>({"count", "index"});
constexpr auto kIntNames =
    std::to_array<std::string_view>({"as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator",
                                     "from_bytes", "imag", "numerator", "real", "to_bytes"});
constexpr auto kFloatNames =
    std::to_array<std::string_view>({"as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"});
constexpr auto kRangeNames = std::to_array<std::string_view>({"count", "index", "start", "step", "stop"});
constexpr auto kViewNames = std::to_array<std::string_view>({"isdisjoint", "mapping"});
constexpr auto kLoopNames = std::to_array<std::string_view>({"changed", "cycle"});
constexpr auto kCyclerNames = std::to_array<std::string_view>({"next", "reset"});

class StringMethods {
 public:
  StringMethods(Interpreter& interpreter, const Value& self, const std::string& name, Given arguments)
      : interpreter_(interpreter),
        budget_(interpreter.budget()),
        self_(self),
        text_(self.text()),
        name_(name),
        arguments_(arguments) {}

  Result<Value> run() {
    TRIREME_TRY(budget_.admit(text_.size()));
    if (name_ == "format") return format_braces(interpreter_, self_, arguments_);
    if (name_ == "split" || name_ == "rsplit") return split();
    if (name_ == "splitlines") return split_into_lines();
    if (!arguments_.keyword.empty()) return template_error(name_ + "() takes no keyword arguments");
    if (name_.starts_with("is")) return no_arguments(Value::boolean(is_class(text_, name_)));
    if (name_ == "upper") return no_arguments(same(to_upper(text_)));
    if (name_ == "lower" || name_ == "casefold") return lower();
    if (name_ == "title") return no_arguments(same(to_title(text_)));
    if (name_ == "capitalize") return no_arguments(same(to_capitalized(text_)));
    if (name_ == "swapcase") return no_arguments(same(swap_case(text_)));
    if (name_ == "strip" || name_ == "lstrip" || name_ == "rstrip") return strip();
    if (name_ == "startswith" || name_ == "endswith") return starts_or_ends();
    if (name_ == "find" || name_ == "rfind" || name_ == "index" || name_ == "rindex" || name_ == "count")
      return search();
    if (name_ == "replace") return replace();
    if (name_ == "join") return join();
    if (name_ == "center" || name_ == "ljust" || name_ == "rjust") return justify();
    if (name_ == "zfill") return zero_fill();
    if (name_ == "partition" || name_ == "rpartition") return partition();
    if (name_ == "removeprefix" || name_ == "removesuffix") return remove_affix();
    return unsupported("the method " + name_ + " of str");
  }

 private:
  Value same(std::string text) { return make_string(budget_, std::move(text), self_.is_markup()); }

  Result<Value> no_arguments(Value result) {
    if (!arguments_.positional.empty()) return template_error(name_ + "() takes no arguments");
    return result;
  }

  Result<Value> lower() {
    const bool ascii = is_class(text_, "isascii");
    if (name_ == "casefold" && !ascii) return unsupported("casefold of text that is not ASCII");
    return no_arguments(same(to_lower(text_)));
  }

  // Argument i as text; nullopt where it is absent or None.
  Result<std::optional<std::string>> text_argument(std::size_t i) {
    if (i >= arguments_.positional.size() || arguments_.positional[i].is_none()) return std::optional<std::string>();
    const Value& value = arguments_.positional[i];
    if (value.is_undefined()) return template_error(name_ + "() argument must be str, not Undefined");
    if (!value.is_string()) {
      return template_error(name_ + "() argument must be str, not " + std::string(type_name(value)));
    }
    return std::optional<std::string>(value.text());
  }

  Result<std::string> needed_text(std::size_t i) {
    TRIREME_ASSIGN(auto text, text_argument(i));
    if (!text) return template_error(name_ + "() needs a str argument");
    return std::move(*text);
  }

  Result<std::int64_t> integer_argument(std::size_t i, std::int64_t otherwise) {
    if (i >= arguments_.positional.size()) return otherwise;
    const Value& value = arguments_.positional[i];
    if (value.is_undefined()) return undefined_error(value);
    if (!value.is_integral()) {
      return template_error("'" + std::string(type_name(value)) + "' object cannot be interpreted as an integer");
    }
    return value.as_int();
  }

  Status at_most(std::size_t count) {
    if (arguments_.positional.size() <= count) return {};
    return template_error(name_ + "() takes at most " + std::to_string(count) + " arguments");
  }

  Result<Value> strip() {
    TRIREME_TRY(at_most(1));
    TRIREME_ASSIGN(const auto set, text_argument(0));
    if (set) TRIREME_TRY(budget_.admit(text_.size() * std::min<std::size_t>(set->size(), 16)));
    std::string_view text = text_;
    if (name_ != "rstrip") text = set ? strip_left(text, *set) : strip_left(text);
    if (name_ != "lstrip") text = set ? strip_right(text, *set) : strip_right(text);
    return same(std::string(text));
  }

  struct Window {
    std::string_view text;
    std::size_t first;  // code points before it
    bool valid;         // false: the start lies behind the end
  };

  // The part of the text that the arguments start (at i) and end (at i + 1) leave.
  Result<Window> window(std::size_t i) {
    if (arguments_.positional.size() <= i) return Window{text_, 0, true};
    const auto length = static_cast<std::int64_t>(string_length(self_));
    const auto bound = [&](std::size_t at, std::int64_t otherwise) -> Result<std::int64_t> {
      if (at >= arguments_.positional.size() || arguments_.positional[at].is_none()) return otherwise;
      TRIREME_ASSIGN(const std::int64_t given, integer_argument(at, 0));
      return given < 0 ? std::max<std::int64_t>(given + length, 0) : given;
    };
    TRIREME_ASSIGN(const std::int64_t start, bound(i, 0));
    TRIREME_ASSIGN(std::int64_t end, bound(i + 1, length));
    end = std::min(end, length);
    if (start > end) return Window{{}, 0, false};
    const std::size_t from = byte_offset(text_, static_cast<std::size_t>(start));
    const std::string_view rest = std::string_view(text_).substr(from);
    return Window{rest.substr(0, byte_offset(rest, static_cast<std::size_t>(end - start))),
                  static_cast<std::size_t>(start), true};
  }

  Result<Value> starts_or_ends() {
    TRIREME_TRY(at_most(3));
    if (arguments_.positional.empty()) return template_error(name_ + "() needs an argument");
    TRIREME_ASSIGN(const Window part, window(1));
    std::vector<Value> candidates = {arguments_.positional[0]};
    if (candidates[0].is(Kind::kTuple)) candidates = std::vector<Value>(candidates[0].items());
    bool found = false;
    for (const Value& candidate : candidates) {
      if (!candidate.is_string()) {
        return template_error(name_ + " first arg must be str or a tuple of str, not " +
                              std::string(type_name(candidate)));
      }
      const std::string& affix = candidate.text();
      if (part.valid && (name_ == "startswith" ? part.text.starts_with(affix) : part.text.ends_with(affix))) {
        found = true;
        break;
      }
    }
    return Value::boolean(found);
  }

  Result<Value> search() {
    TRIREME_TRY(at_most(3));
    TRIREME_ASSIGN(const std::string wanted, needed_text(0));
    TRIREME_ASSIGN(const Window part, window(1));
    TRIREME_TRY(admit_search(budget_, text_, wanted));
    if (name_ == "count") return count(part, wanted);
    const bool last = name_[0] == 'r';
    const std::size_t at = !part.valid ? std::string_view::npos
                           : last      ? part.text.rfind(wanted)
                                       : part.text.find(wanted);
    if (at == std::string_view::npos) {
      if (name_.ends_with("index")) return template_error("substring not found");
      return Value::integer(std::int64_t{-1});
    }
    return Value::integer(part.first + count_code_points(part.text.substr(0, at)));
  }

  Result<Value> count(const Window& part, const std::string& wanted) {
    if (!part.valid) return Value::integer(std::int64_t{0});
    if (wanted.empty()) return Value::integer(count_code_points(part.text) + 1);
    std::int64_t found = 0;
    for (std::size_t at = part.text.find(wanted); at != std::string_view::npos;
         at = part.text.find(wanted, at + wanted.size())) {
      ++found;
    }
    return Value::integer(found);
  }

  Result<std::string> escaped_argument(const Value& value) {
    if (!value.is_string())
      return template_error(name_ + "() argument must be str, not " + std::string(type_name(value)));
    return self_.is_markup() && !value.is_markup() ? escape_html(value.text()) : value.text();
  }

  Result<Value> replace() {
    TRIREME_TRY(at_most(3));
    if (arguments_.positional.size() < 2) return template_error("replace expected at least 2 arguments");
    TRIREME_ASSIGN(const std::string old_text, escaped_argument(arguments_.positional[0]));
    TRIREME_ASSIGN(const std::string new_text, escaped_argument(arguments_.positional[1]));
    TRIREME_ASSIGN(const std::int64_t limit, integer_argument(2, -1));
    TRIREME_ASSIGN(std::string text, replace_text(budget_, text_, old_text, new_text, limit));
    return same(std::move(text));
  }

  Result<Value> join() {
    TRIREME_TRY(at_most(1));
    if (arguments_.positional.empty()) return template_error("join() takes exactly one argument");
    TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget_, arguments_.positional[0]));
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].is_string()) {
        return template_error("sequence item " + std::to_string(i) + ": expected str instance, " +
                              std::string(type_name(items[i])) + " found");
      }
      TRIREME_ASSIGN(const std::string part, escaped_argument(items[i]));
      TRIREME_TRY(admit_growth(budget_, out.size(), text_.size() + part.size()));
      if (i != 0) out += text_;
      out += part;
    }
    return same(std::move(out));
  }

  Result<Value> justify() {
    TRIREME_TRY(at_most(2));
    if (arguments_.positional.empty()) return template_error(name_ + " expected at least 1 argument");
    TRIREME_ASSIGN(const std::int64_t width, integer_argument(0, 0));
    std::string fill = " ";
    if (arguments_.positional.size() > 1) {
      TRIREME_ASSIGN(fill, needed_text(1));
      if (count_code_points(fill) != 1) return template_error("The fill character must be exactly one character long");
    }
    TRIREME_ASSIGN(std::string text, justified(budget_, text_, name_, width, fill));
    return same(std::move(text));
  }

  Result<Value> zero_fill() {
    TRIREME_TRY(at_most(1));
    if (arguments_.positional.empty()) return template_error("zfill() takes exactly one argument");
    TRIREME_ASSIGN(const std::int64_t width, integer_argument(0, 0));
    const bool sign = !text_.empty() && (text_[0] == '+' || text_[0] == '-');
    TRIREME_ASSIGN(std::string text, justified(budget_, text_, "rjust", width, "0"));
    if (sign && text.size() > text_.size()) std::swap(text[0], text[text.size() - text_.size()]);
    return same(std::move(text));
  }

  Result<Value> partition() {
    TRIREME_TRY(at_most(1));
    TRIREME_ASSIGN(const std::string separator, needed_text(0));
    if (separator.empty()) return template_error("empty separator");
    TRIREME_TRY(admit_search(budget_, text_, separator));
    const bool last = name_ == "rpartition";
    const std::size_t at = last ? text_.rfind(separator) : text_.find(separator);
    if (at == std::string::npos) {
      return last ? make_tuple(budget_, {same(""), same(""), same(text_)})
                  : make_tuple(budget_, {same(text_), same(""), same("")});
    }
    return make_tuple(budget_, {same(text_.substr(0, at)), same(separator), same(text_.substr(at + separator.size()))});
  }

  Result<Value> remove_affix() {
    TRIREME_TRY(at_most(1));
    TRIREME_ASSIGN(const std::string affix, needed_text(0));
    if (name_ == "removeprefix") return same(text_.starts_with(affix) ? text_.substr(affix.size()) : text_);
    return same(text_.ends_with(affix) ? text_.substr(0, text_.size() - affix.size()) : text_);
  }

  Result<Value> split_into_lines() {
    TRIREME_ASSIGN(const BoundArguments bound, bind("splitlines", arguments_, {"keepends"}));
    std::vector<Value> lines;
    for (std::string_view line : split_lines(text_, bound[0] && is_true(*bound[0]))) {
      TRIREME_TRY(budget_.work(4));
      lines.push_back(same(std::string(line)));
    }
    return make_list(budget_, std::move(lines));
  }

  Result<Value> split() {
    TRIREME_ASSIGN(const BoundArguments bound, bind(name_, arguments_, {"sep", "maxsplit"}));
    std::int64_t limit = -1;
    if (bound[1]) {
      if (!bound[1]->is_integral()) return template_error("maxsplit must be an integer");
      limit = bound[1]->as_int();
    }
    std::vector<std::string_view> parts;
    if (!bound[0] || bound[0]->is_none()) {
      parts = name_ == "split" ? split_spaces(limit) : split_spaces_from_right(limit);
    } else if (!bound[0]->is_string()) {
      return template_error("must be str or None, not " + std::string(type_name(*bound[0])));
    } else if (bound[0]->text().empty()) {
      return template_error("empty separator");
    } else {
      TRIREME_TRY(admit_search(budget_, text_, bound[0]->text()));
      parts = name_ == "split" ? split_at(bound[0]->text(), limit) : split_at_from_right(bound[0]->text(), limit);
    }
    std::vector<Value> values;
    for (std::string_view part : parts) {
      TRIREME_TRY(budget_.work(4));
      values.push_back(same(std::string(part)));
    }
    return make_list(budget_, std::move(values));
  }

  std::vector<std::string_view> split_at(std::string_view separator, std::int64_t limit) const {
    std::vector<std::string_view> parts;
    std::string_view rest = text_;
    for (std::size_t at = rest.find(separator); at != std::string_view::npos && limit != 0;
         at = rest.find(separator), --limit) {
      parts.push_back(rest.substr(0, at));
      rest.remove_prefix(at + separator.size());
    }
    parts.push_back(rest);
    return parts;
  }

  std::vector<std::string_view> split_at_from_right(std::string_view separator, std::int64_t limit) const {
    std::vector<std::string_view> parts;
    std::string_view rest = text_;
    for (std::size_t at = rest.rfind(separator); at != std::string_view::npos && limit != 0;
         at = rest.rfind(separator), --limit) {
      parts.push_back(rest.substr(at + separator.size()));
      rest = rest.substr(0, at);
    }
    parts.push_back(rest);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }

  std::vector<std::string_view> split_spaces(std::int64_t limit) const {
    std::vector<std::string_view> parts;
    std::string_view rest = strip_left(text_);
    while (!rest.empty() && limit != 0) {
      std::size_t end = 0;
      while (end < rest.size()) {
        std::size_t next = end;
        if (is_space(next_code_point(rest, next))) break;
        end = next;
      }
      parts.push_back(rest.substr(0, end));
      rest = strip_left(rest.substr(end));
      --limit;
    }
    // What the limit leaves keeps its trailing spaces.
    if (!rest.empty()) parts.push_back(rest);
    return parts;
  }

  std::vector<std::string_view> split_spaces_from_right(std::int64_t limit) const {
    std::vector<std::string_view> parts;
    std::string_view rest = strip_right(text_);
    while (!rest.empty() && limit != 0) {
      std::size_t start = rest.size();
      while (start > 0) {
        std::size_t before = start - 1;
        while (before > 0 && (static_cast<unsigned char>(rest[before]) & 0xC0u) == 0x80u) --before;
        std::size_t at = before;
        if (is_space(next_code_point(rest, at))) break;
        start = before;
      }
      parts.push_back(rest.substr(start));
      rest = strip_right(rest.substr(0, start));
      --limit;
    }
    if (!rest.empty()) parts.push_back(rest);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }

  Interpreter& interpreter_;
  Budget& budget_;
  const Value& self_;
  const std::string& text_;
  const std::string& name_;
  Given arguments_;
};

Result<Value> dict_method(Interpreter& interpreter, const Value& self, const std::string& name, Given arguments) {
  Budget& budget = interpreter.budget();
  const auto view = [&](ViewObject::Part part) -> Result<Value> {
    TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind(name, arguments, {}));
    return Value(Kind::kView, std::make_shared<ViewObject>(budget, self, part));
  };
  if (name == "keys") return view(ViewObject::Part::kKeys);
  if (name == "values") return view(ViewObject::Part::kValues);
  if (name == "items") return view(ViewObject::Part::kItems);
  if (name == "copy") return self;
  if (name != "get") return unsupported("the method " + name + " of dict");
  if (!arguments.keyword.empty()) return template_error("dict.get() takes no keyword arguments");
  const auto& given = arguments.positional;
  if (given.empty() || given.size() > 2) return template_error("get expected 1 or 2 arguments");
  TRIREME_ASSIGN(const Value* found, self.dict().find(given[0]));
  if (found != nullptr) return *found;
  return given.size() > 1 ? given[1] : Value::none();
}

Result<Value> sequence_method(Interpreter& interpreter, const Value& self, const std::string& name, Given arguments) {
  if (name == "copy") return self;
  const auto& given = arguments.positional;
  if (!arguments.keyword.empty() || given.empty() || given.size() > (name == "index" ? 3u : 1u)) {
    return template_error(name + "() got wrong arguments");
  }
  if (given.size() > 1) return unsupported("index with a start");
  std::int64_t count = 0;
  std::int64_t position = 0;
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(self));
  Value item;
  while (true) {
    TRIREME_ASSIGN(const bool more, iterator.next(item));
    if (!more) break;
    TRIREME_ASSIGN(const bool equal, are_equal(interpreter.budget(), item, given[0]));
    if (equal && name == "index") return Value::integer(position);
    count += equal ? 1 : 0;
    ++position;
  }
  if (name == "index") return template_error("the value is not in the " + std::string(type_name(self)));
  return Value::integer(count);
}

}  // namespace

bool has_attribute(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::kString: return is_one_of(kStringNames, name) || (value.is_markup() && is_one_of(kMarkupNames, name));
    case Kind::kDict: return is_one_of(kDictNames, name);
    case Kind::kList: return is_one_of(kListNames, name);
    case Kind::kTuple: return is_one_of(kTupleNames, name);
    case Kind::kBool:
    case Kind::kInt: return is_one_of(kIntNames, name);
    case Kind::kFloat: return is_one_of(kFloatNames, name);
    case Kind::kRange: return is_one_of(kRangeNames, name);
    case Kind::kView: return is_one_of(kViewNames, name);
    case Kind::kLoop: return is_one_of(kLoopNames, name);
    case Kind::kCycler: return is_one_of(kCyclerNames, name);
    default: return false;
  }
}

bool is_hidden_attribute(const Value& value, std::string_view name) {
  if (value.is(Kind::kDict)) return is_one_of(kDictHidden, name);
  return value.is(Kind::kList) && is_one_of(kListHidden, name);
}

Result<Value> call_method(Interpreter& interpreter, const Value& self, const std::string& name, Given arguments) {
  switch (self.kind()) {
    case Kind::kString: return StringMethods(interpreter, self, name, arguments).run();
    case Kind::kDict: return dict_method(interpreter, self, name, arguments);
    case Kind::kList:
    case Kind::kTuple: return sequence_method(interpreter, self, name, arguments);
    case Kind::kRange:
      if (name == "count" || name == "index") return sequence_method(interpreter, self, name, arguments);
      break;
    case Kind::kLoop: return interpreter.call_loop_method(self.as<LoopObject>(), name, arguments);
    case Kind::kCycler: {
      TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind(name, arguments, {}));
      auto& cycler = self.as<CyclerObject>();
      const std::size_t position = cycler.position;
      cycler.position = name == "reset" ? 0 : (position + 1) % cycler.items.items().size();
      return name == "reset" ? Value::none() : cycler.items.items()[position];
    }
    case Kind::kFloat:
      if (name == "is_integer") return Value::boolean(std::floor(self.as_double()) == self.as_double());
      break;
    default: break;
  }
  return unsupported("the method " + name + " of " + std::string(type_name(self)));
}

}  // namespace trireme::runtime::jinja
