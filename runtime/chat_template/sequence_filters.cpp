// Filters that look at a whole sequence at once.
#include <algorithm>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

Result<Value> length(Interpreter&, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("length", arguments, {}));
  return length_of(value).map([](std::size_t size) { return Value::integer(size); });
}

Result<Value> default_filter(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("default", arguments, {"default_value", "boolean"}));
  if (!value.is_undefined() && (!flag(bound[1]) || is_true(value))) return value;
  return bound[0] ? *bound[0] : make_string(interpreter.budget(), {});
}

Result<Value> first(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("first", arguments, {}));
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(value));
  Value item;
  TRIREME_ASSIGN(const bool found, iterator.next(item));
  return found ? item : make_undefined(interpreter.budget(), "No first item, sequence was empty.");
}

Result<Value> last(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("last", arguments, {}));
  if (value.is(Kind::kGenerator)) return template_error("'generator' object is not reversible");
  TRIREME_ASSIGN(const std::vector<Value> items, to_vector(interpreter.budget(), value));
  return items.empty() ? make_undefined(interpreter.budget(), "No last item, sequence was empty.") : items.back();
}

Result<Value> list(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("list", arguments, {}));
  TRIREME_ASSIGN(std::vector<Value> items, to_vector(interpreter.budget(), value));
  return make_list(interpreter.budget(), std::move(items));
}

Result<Value> reverse(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("reverse", arguments, {}));
  const Value minus_one = Value::integer(std::int64_t{-1});
  if (value.is_string()) return slice(budget, value, Value::none(), Value::none(), minus_one);
  TRIREME_ASSIGN(std::vector<Value> items, to_vector(budget, value));
  std::reverse(items.begin(), items.end());
  return value.is(Kind::kGenerator) ? make_list(budget, std::move(items)) : make_generator(budget, std::move(items));
}

Result<Value> join(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("join", arguments, {"d", "attribute"}));
  TRIREME_ASSIGN(const std::string separator, bound[0] ? to_text(budget, *bound[0]) : std::string());
  TRIREME_ASSIGN(const AttributePath path, AttributePath::parse(budget, bound[1] ? *bound[1] : Value::none()));
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(value));
  std::string out;
  Value item;
  for (bool is_first = true;; is_first = false) {
    TRIREME_ASSIGN(const bool more, iterator.next(item));
    if (!more) return make_string(budget, std::move(out));
    TRIREME_ASSIGN(const Value part, path.get(interpreter, item));
    TRIREME_ASSIGN(const std::string text, to_text(budget, part));
    TRIREME_TRY(admit_growth(budget, out.size(), separator.size() + text.size()));
    if (!is_first) out += separator;
    out += text;
  }
}

struct Keyed {
  Value key;
  Value item;
};

Status sort_keyed(Budget& budget, std::vector<Keyed>& items, bool reversed) {
  return stable_sort_by(budget, items, [&](const Keyed& a, const Keyed& b) {
    return reversed ? less_than(budget, b.key, a.key) : less_than(budget, a.key, b.key);
  });
}

Result<Value> list_of_items(Budget& budget, const std::vector<Keyed>& keyed) {
  std::vector<Value> items;
  for (const Keyed& one : keyed) items.push_back(one.item);
  return make_list(budget, std::move(items));
}

// The attribute paths of "a,b.c", one for each comma.
Result<std::vector<AttributePath>> attribute_paths(Budget& budget, const Value& attribute) {
  std::vector<AttributePath> paths;
  std::string_view rest = attribute.is_string() ? attribute.text() : std::string_view();
  while (true) {
    const std::size_t comma = rest.find(',');
    const Value part = attribute.is_string() ? make_string(budget, std::string(rest.substr(0, comma))) : attribute;
    TRIREME_ASSIGN(AttributePath path, AttributePath::parse(budget, part));
    paths.push_back(std::move(path));
    if (comma == std::string_view::npos) return paths;
    rest.remove_prefix(comma + 1);
  }
}

Result<Value> sort(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  TRIREME_ASSIGN(const auto paths, attribute_paths(budget, bound[2] ? *bound[2] : Value::none()));
  TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget, value));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    std::vector<Value> parts;
    for (const AttributePath& path : paths) {
      TRIREME_ASSIGN(const Value part, path.get(interpreter, item));
      parts.push_back(flag(bound[1]) ? part : ignoring_case(budget, part));
    }
    TRIREME_ASSIGN(Value key, make_list(budget, std::move(parts)));
    keyed.push_back({std::move(key), item});
  }
  TRIREME_TRY(sort_keyed(budget, keyed, flag(bound[0])));
  return list_of_items(budget, keyed);
}

Result<Value> sort_dict(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  TRIREME_ASSIGN(const std::string by, bound[1] ? to_text(budget, *bound[1]) : std::string("key"));
  if (by != "key" && by != "value") return template_error("You can only sort by either \"key\" or \"value\"");
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is(Kind::kDict))
    return template_error("dictsort works on a dict, not on " + std::string(type_name(value)));
  std::vector<Keyed> keyed;
  for (const auto& [key, item] : value.dict().entries) {
    const Value& sorted_by = by == "key" ? key : item;
    TRIREME_ASSIGN(Value pair, make_tuple(budget, {key, item}));
    keyed.push_back({flag(bound[0]) ? sorted_by : ignoring_case(budget, sorted_by), std::move(pair)});
  }
  TRIREME_TRY(sort_keyed(budget, keyed, flag(bound[2])));
  return list_of_items(budget, keyed);
}

Result<Value> group_by(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  TRIREME_ASSIGN(AttributePath path, AttributePath::parse(budget, *bound[0]));
  if (bound[1] && !bound[1]->is_none()) path.set_default(*bound[1]);
  const bool case_sensitive = flag(bound[2]);
  TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget, value));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    TRIREME_ASSIGN(const Value key, path.get(interpreter, item));
    keyed.push_back({case_sensitive ? key : ignoring_case(budget, key), item});
  }
  TRIREME_TRY(sort_keyed(budget, keyed, false));
  std::vector<Value> groups;
  for (std::size_t start = 0; start < keyed.size();) {
    std::vector<Value> members;
    std::size_t end = start;
    for (; end < keyed.size(); ++end) {
      TRIREME_ASSIGN(const bool same, are_equal(budget, keyed[start].key, keyed[end].key));
      if (!same) break;
      members.push_back(keyed[end].item);
    }
    TRIREME_ASSIGN(Value grouper, path.get(interpreter, keyed[start].item));
    TRIREME_ASSIGN(Value member_list, make_list(budget, std::move(members)));
    TRIREME_ASSIGN(Value group, make_tuple(budget, {std::move(grouper), std::move(member_list)}));
    group.as<ListObject>().is_group = true;
    groups.push_back(std::move(group));
    start = end;
  }
  return make_list(budget, std::move(groups));
}

template <bool maximum>
Result<Value> extreme(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind(maximum ? "max" : "min", arguments, {"case_sensitive", "attribute"}));
  TRIREME_ASSIGN(const AttributePath path, AttributePath::parse(budget, bound[1] ? *bound[1] : Value::none()));
  TRIREME_ASSIGN(const std::vector<Value> items, to_vector(budget, value));
  if (items.empty()) return make_undefined(budget, "No aggregated item, sequence was empty.");
  std::optional<Keyed> best;
  for (const Value& item : items) {
    TRIREME_ASSIGN(Value key, path.get(interpreter, item));
    if (!flag(bound[0])) key = ignoring_case(budget, key);
    bool better = !best;
    if (best) {
      TRIREME_ASSIGN(better, maximum ? less_than(budget, best->key, key) : less_than(budget, key, best->key));
    }
    if (better) best = Keyed{std::move(key), item};
  }
  return best->item;
}

Result<Value> sum(Interpreter& interpreter, const Value& value, Given arguments) {
  Budget& budget = interpreter.budget();
  TRIREME_ASSIGN(const BoundArguments bound, bind("sum", arguments, {"attribute", "start"}));
  TRIREME_ASSIGN(const AttributePath path, AttributePath::parse(budget, bound[0] ? *bound[0] : Value::none()));
  Value total = bound[1] ? *bound[1] : Value::integer(std::int64_t{0});
  if (total.is_string()) return template_error("sum() can't sum strings [use ''.join(seq) instead]");
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(value));
  Value item;
  while (true) {
    TRIREME_ASSIGN(const bool more, iterator.next(item));
    if (!more) return total;
    TRIREME_ASSIGN(const Value part, path.get(interpreter, item));
    TRIREME_ASSIGN(total, arithmetic(budget, "+", total, part));
  }
}

// attr: only what getattr finds, never an item.
Result<Value> attr(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("attr", arguments, {"name"}, 1));
  if (!bound[0]->is_string()) return template_error("attribute name must be string");
  const std::string& name = bound[0]->text();
  if (value.is(Kind::kDict) && !has_attribute(value, name)) {
    return make_undefined(interpreter.budget(), "'dict object' has no attribute '" + name + "'");
  }
  return interpreter.attribute(value, name);
}

Result<Value> refused(Interpreter&, const Value&, Given) {
  return unsupported("one of the filters pprint, random, striptags, urlize, wordwrap and xmlattr");
}

constexpr NamedFilter kSequenceFilters[] = {
    {"length", length},      {"count", length},       {"default", default_filter},
    {"d", default_filter},   {"first", first},        {"last", last},
    {"list", list},          {"reverse", reverse},    {"join", join},
    {"sort", sort},          {"dictsort", sort_dict}, {"groupby", group_by},
    {"min", extreme<false>}, {"max", extreme<true>},  {"sum", sum},
    {"attr", attr},          {"pprint", refused},     {"random", refused},
    {"striptags", refused},  {"urlize", refused},     {"wordwrap", refused},
    {"xmlattr", refused},
};

}  // namespace

std::span<const NamedFilter> sequence_filters() { return kSequenceFilters; }

}  // namespace trireme::runtime::jinja
