// Python's operators on values: truth, comparison, arithmetic, membership, indexing.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "runtime/chat_template/value.h"

namespace trireme::runtime::jinja {

bool is_true(const Value& value);

// ==. Errors: a limit, or values nested without end.
Result<bool> are_equal(Budget& budget, const Value& left, const Value& right);
// <. Errors: types that Python does not order.
Result<bool> less_than(Budget& budget, const Value& left, const Value& right);
// `op` is one of == != < <= > >= in notin.
Result<bool> compare(Budget& budget, std::string_view op, const Value& left, const Value& right);
Result<bool> contains(Budget& budget, const Value& container, const Value& item);

// `op` is one of + - * / // % **.
Result<Value> arithmetic(Budget& budget, std::string_view op, const Value& left, const Value& right);
Result<Value> negate(const Value& value);
Result<Value> positive(const Value& value);

// value[start:stop:step], where absent bounds are None. Errors: those of Python, or a limit.
Result<Value> slice(Budget& budget, const Value& value, const Value& start, const Value& stop, const Value& step);

// The item at a Python index or key; nullopt where Python raises TypeError or LookupError.
// Errors: what Python raises beyond these (an undefined value).
Result<std::optional<Value>> item_of(Budget& budget, const Value& value, const Value& key);

// The message of the exception that using an undefined value raises.
tl::unexpected<Error> undefined_error(const Value& undefined);

// Stable sort with a comparison that may fail; `less(a, b)` gives Result<bool>.
template <typename T, typename Less>
Status stable_sort_by(Budget& budget, std::vector<T>& items, Less less) {
  std::vector<T> merged(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t start = 0; start < items.size(); start += 2 * width) {
      const std::size_t middle = std::min(start + width, items.size());
      const std::size_t end = std::min(start + 2 * width, items.size());
      std::size_t a = start;
      std::size_t b = middle;
      for (std::size_t out = start; out < end; ++out) {
        TRIREME_TRY(budget.work(1));
        bool take_right = a >= middle;
        if (!take_right && b < end) {
          TRIREME_ASSIGN(take_right, less(items[b], items[a]));
        }
        merged[out] = std::move(items[take_right ? b++ : a++]);
      }
    }
    items.swap(merged);
  }
  return {};
}

}  // namespace trireme::runtime::jinja
