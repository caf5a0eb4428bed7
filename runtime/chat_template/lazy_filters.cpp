// Filters that give their items one by one. Like Jinja's generators they do nothing, and fail at nothing, until walked.
#include <algorithm>
#include <unordered_set>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/operators.h"

namespace trireme::runtime::jinja {
namespace {

using Given = const CallArguments&;

// What a generator does with one item of its source: true keeps what `item` then holds.
using Step = std::function<Result<bool>(Value& item)>;
using MakeStep = std::function<Result<Step>()>;

// Prepares the step when the first item is asked for. An untrue source gives nothing where `if_true`.
Result<Value> lazily(Interpreter& interpreter, const Value& source, bool if_true, MakeStep prepare, int depth) {
  struct State {
    std::optional<Iterator> iterator;
    Step step;
    bool ended = false;
  };
  auto state = std::make_shared<State>();
  Budget& budget = interpreter.budget();
  auto next = [state, source, if_true, prepare = std::move(prepare), &budget](Value& item) -> Result<bool> {
    if (state->ended) return false;
    if (!state->iterator) {
      if (if_true && !is_true(source)) return false;
      TRIREME_ASSIGN(state->step, prepare());
      TRIREME_ASSIGN(Iterator iterator, Iterator::over(source));
      state->iterator = std::move(iterator);
    }
    while (true) {
      TRIREME_TRY(budget.work(1));
      TRIREME_ASSIGN(const bool more, state->iterator->next(item));
      if (!more) {
        state->ended = true;
        return false;
      }
      TRIREME_ASSIGN(const bool keep, state->step(item));
      if (keep) return true;
    }
  };
  return make_generator(budget, std::move(next), std::max(depth, value_depth(source)) + 1);
}

int depth_of(const CallArguments& arguments) {
  int depth = 0;
  for (const Value& value : arguments.positional) depth = std::max(depth, value_depth(value));
  for (const auto& [name, value] : arguments.keyword) depth = std::max(depth, value_depth(value));
  return depth;
}

Result<Step> attribute_step(Interpreter& interpreter, const CallArguments& arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("map", arguments, {"attribute", "default"}));
  TRIREME_ASSIGN(AttributePath path, AttributePath::parse(interpreter.budget(), *bound[0]));
  if (bound[1] && !bound[1]->is_none()) path.set_default(*bound[1]);
  return Step([&interpreter, path](Value& item) -> Result<bool> {
    TRIREME_ASSIGN(item, path.get(interpreter, std::move(item)));
    return true;
  });
}

Result<Value> map(Interpreter& interpreter, const Value& value, Given arguments) {
  const auto prepare = [&interpreter, arguments]() -> Result<Step> {
    const auto& keyword = arguments.keyword;
    const bool by_attribute =
        std::any_of(keyword.begin(), keyword.end(), [](const auto& one) { return one.first == "attribute"; });
    if (arguments.positional.empty() && by_attribute) return attribute_step(interpreter, arguments);
    if (arguments.positional.empty()) return template_error("map requires a filter argument");
    CallArguments rest = arguments;
    const Value name = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
    return Step([&interpreter, name, rest](Value& item) -> Result<bool> {
      TRIREME_ASSIGN(item, interpreter.apply_filter(name, item, rest));
      return true;
    });
  };
  return lazily(interpreter, value, true, prepare, depth_of(arguments));
}

template <bool wanted, bool by_attribute>
Result<Value> choose(Interpreter& interpreter, const Value& value, Given arguments) {
  const auto prepare = [&interpreter, arguments]() -> Result<Step> {
    CallArguments rest = arguments;
    const auto take = [&rest] {
      Value front = rest.positional.front();
      rest.positional.erase(rest.positional.begin());
      return front;
    };
    AttributePath path;
    if (by_attribute) {
      if (rest.positional.empty()) return template_error("Missing parameter for attribute name");
      TRIREME_ASSIGN(path, AttributePath::parse(interpreter.budget(), take()));
    }
    std::optional<Value> test;
    if (!rest.positional.empty()) test = take();
    return Step([&interpreter, path, test, rest](Value& item) -> Result<bool> {
      TRIREME_ASSIGN(const Value subject, path.get(interpreter, item));
      if (!test) return is_true(subject) == wanted;
      TRIREME_ASSIGN(const bool passes, interpreter.apply_test(*test, subject, rest));
      return passes == wanted;
    });
  };
  return lazily(interpreter, value, true, prepare, depth_of(arguments));
}

Result<Value> unique(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("unique", arguments, {"case_sensitive", "attribute"}));
  const auto prepare = [&interpreter, bound]() -> Result<Step> {
    TRIREME_ASSIGN(const AttributePath path,
                   AttributePath::parse(interpreter.budget(), bound[1] ? *bound[1] : Value::none()));
    const auto seen = std::make_shared<std::unordered_set<std::string>>();
    const bool case_sensitive = flag(bound[0]);
    return Step([&interpreter, path, seen, case_sensitive](Value& item) -> Result<bool> {
      TRIREME_ASSIGN(const Value key, path.get(interpreter, item));
      TRIREME_ASSIGN(std::string text, hash_text(case_sensitive ? key : ignoring_case(interpreter.budget(), key)));
      TRIREME_TRY(interpreter.budget().admit(text.size()));
      return seen->insert(std::move(text)).second;
    });
  };
  return lazily(interpreter, value, false, prepare, depth_of(arguments));
}

Result<Value> items(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN([[maybe_unused]] const BoundArguments bound, bind("items", arguments, {}));
  const auto prepare = [value]() -> Result<Step> {
    if (!value.is_undefined() && !value.is(Kind::kDict))
      return template_error("Can only get item pairs from a mapping.");
    return Step([](Value&) -> Result<bool> { return true; });
  };
  if (!value.is(Kind::kDict)) return lazily(interpreter, value, false, prepare, 0);
  TRIREME_ASSIGN(const Value view, call_method(interpreter, value, "items", {}));
  return lazily(interpreter, view, false, prepare, 0);
}

// batch and slice gather all items when the first list is asked for.
Result<Value> gather(Interpreter& interpreter, const Value& value, int depth,
                     std::function<Result<std::vector<Value>>(std::vector<Value>)> cut) {
  struct State {
    std::optional<std::vector<Value>> lists;
    std::size_t at = 0;
  };
  auto state = std::make_shared<State>();
  Budget& budget = interpreter.budget();
  auto next = [state, value, cut = std::move(cut), &budget](Value& item) -> Result<bool> {
    if (!state->lists) {
      TRIREME_ASSIGN(std::vector<Value> all, to_vector(budget, value));
      TRIREME_ASSIGN(state->lists, cut(std::move(all)));
    }
    if (state->at >= state->lists->size()) return false;
    item = (*state->lists)[state->at++];
    return true;
  };
  return make_generator(budget, std::move(next), std::max(depth, value_depth(value)) + 2);
}

Result<Value> batch(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("batch", arguments, {"linecount", "fill_with"}, 1));
  Budget& budget = interpreter.budget();
  return gather(interpreter, value, depth_of(arguments),
                [&budget, bound](std::vector<Value> all) -> Result<std::vector<Value>> {
                  std::vector<Value> lists;
                  if (all.empty()) return lists;
                  TRIREME_ASSIGN(const std::int64_t given, integer_of(bound[0], 1));
                  // A count below one is never reached; zero is met once, before the first item.
                  const std::size_t count = given < 1 ? SIZE_MAX : static_cast<std::size_t>(given);
                  if (given == 0) {
                    TRIREME_ASSIGN(Value none, make_list(budget, {}));
                    lists.push_back(std::move(none));
                  }
                  const std::size_t size = std::min(count, all.size());
                  for (std::size_t start = 0; start < all.size(); start += size) {
                    const std::size_t end = std::min(start + size, all.size());
                    std::vector<Value> line(all.begin() + static_cast<std::ptrdiff_t>(start),
                                            all.begin() + static_cast<std::ptrdiff_t>(end));
                    if (bound[1] && !bound[1]->is_none() && given > 0 && line.size() < count) {
                      if (count > budget.limits().live_bytes / sizeof(Value)) TRIREME_TRY(budget.admit(SIZE_MAX));
                      TRIREME_TRY(budget.admit(count * sizeof(Value)));
                      line.resize(count, *bound[1]);
                    }
                    TRIREME_ASSIGN(Value list, make_list(budget, std::move(line)));
                    lists.push_back(std::move(list));
                  }
                  return lists;
                });
}

Result<Value> slice_filter(Interpreter& interpreter, const Value& value, Given arguments) {
  TRIREME_ASSIGN(const BoundArguments bound, bind("slice", arguments, {"slices", "fill_with"}, 1));
  Budget& budget = interpreter.budget();
  return gather(interpreter, value, depth_of(arguments),
                [&budget, bound](std::vector<Value> all) -> Result<std::vector<Value>> {
                  TRIREME_ASSIGN(const std::int64_t slices, integer_of(bound[0], 1));
                  if (slices == 0) return template_error("integer division or modulo by zero");
                  if (slices > 1'000'000) return unsupported("so many slices");
                  std::vector<Value> lists;
                  const auto count = static_cast<std::int64_t>(all.size());
                  std::int64_t start = 0;
                  for (std::int64_t i = 0; i < slices; ++i) {
                    TRIREME_TRY(budget.work(4));
                    const std::int64_t size = count / slices + (i < count % slices ? 1 : 0);
                    std::vector<Value> part(all.begin() + start, all.begin() + start + size);
                    if (bound[1] && !bound[1]->is_none() && i >= count % slices) part.push_back(*bound[1]);
                    TRIREME_ASSIGN(Value list, make_list(budget, std::move(part)));
                    lists.push_back(std::move(list));
                    start += size;
                  }
                  return lists;
                });
}

constexpr NamedFilter kLazyFilters[] = {
    {"map", map},
    {"select", choose<true, false>},
    {"reject", choose<false, false>},
    {"selectattr", choose<true, true>},
    {"rejectattr", choose<false, true>},
    {"unique", unique},
    {"items", items},
    {"batch", batch},
    {"slice", slice_filter},
};

}  // namespace

std::span<const NamedFilter> lazy_filters() { return kLazyFilters; }

}  // namespace trireme::runtime::jinja
