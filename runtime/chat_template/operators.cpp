#include "runtime/chat_template/operators.h"

#include <cmath>

#include "runtime/chat_template/format.h"
#include "runtime/chat_template/text.h"
#include "runtime/chat_template/value_text.h"

namespace trireme::runtime::jinja {
namespace {

tl::unexpected<Error> unsupported_operands(std::string_view op, const Value& left, const Value& right) {
  if (left.is_undefined()) return undefined_error(left);
  if (right.is_undefined()) return undefined_error(right);
  return template_error("unsupported operand types for " + std::string(op) + ": '" + std::string(type_name(left)) +
                        "' and '" + std::string(type_name(right)) + "'");
}

tl::unexpected<Error> overflow() { return unsupported("an integer of more than 64 bits"); }

// -1, 0, 1; 2 where one is not a number. long double holds every int64 and every double.
int order_numbers(const Value& left, const Value& right) {
  const auto wide = [](const Value& value) {
    return value.is(Kind::kFloat) ? static_cast<long double>(value.as_double())
                                  : static_cast<long double>(value.as_int());
  };
  const long double a = wide(left);
  const long double b = wide(right);
  return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
}

class Equality {
 public:
  explicit Equality(Budget& budget) : budget_(budget) {}

  Result<bool> operator()(const Value& left, const Value& right) {
    if (depth_ > 2 * kMaxValueDepth) return template_error("maximum recursion depth exceeded in comparison");
    ++depth_;
    TRIREME_ASSIGN(const bool equal, test(left, right));
    --depth_;
    return equal;
  }

 private:
  Result<bool> test(const Value& left, const Value& right) {
    TRIREME_TRY(budget_.work(1));
    if (left.is_number() && right.is_number()) return order_numbers(left, right) == 0;
    if (left.kind() != right.kind()) return test_views(left, right);
    switch (left.kind()) {
      case Kind::kUndefined:
      case Kind::kNone: return true;
      case Kind::kString:
        TRIREME_TRY(budget_.work(left.text().size() == right.text().size() ? left.text().size() / 16 : 0));
        return left.text() == right.text();
      case Kind::kList:
      case Kind::kTuple: return items_equal(left.items(), right.items());
      case Kind::kDict: return dicts_equal(left.dict(), right.dict());
      case Kind::kRange: {
        const RangeObject& a = left.range();
        const RangeObject& b = right.range();
        if (a.length != b.length) return false;
        return a.length == 0 || (a.start == b.start && (a.length == 1 || a.step == b.step));
      }
      case Kind::kView: return test_views(left, right);
      case Kind::kMethod: {
        const auto& a = left.as<MethodObject>();
        const auto& b = right.as<MethodObject>();
        return a.name == b.name && a.self.object() == b.self.object() && a.self.kind() == b.self.kind();
      }
      default: return left.object() == right.object();
    }
  }

  // Keys and items compare as sets with each other; values only with themselves.
  Result<bool> test_views(const Value& left, const Value& right) {
    if (!left.is(Kind::kView) || !right.is(Kind::kView)) return false;
    if (left.object() == right.object()) return true;
    if (left.as<ViewObject>().part == ViewObject::Part::kValues ||
        right.as<ViewObject>().part == ViewObject::Part::kValues) {
      return false;
    }
    TRIREME_ASSIGN(const std::vector<Value> a, to_vector(budget_, left));
    TRIREME_ASSIGN(const std::vector<Value> b, to_vector(budget_, right));
    if (a.size() != b.size()) return false;
    for (const Value& item : a) {
      bool found = false;
      for (std::size_t i = 0; i < b.size() && !found; ++i) {
        TRIREME_ASSIGN(found, (*this)(item, b[i]));
      }
      if (!found) return false;
    }
    return true;
  }

  Result<bool> items_equal(const std::vector<Value>& left, const std::vector<Value>& right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      TRIREME_ASSIGN(const bool equal, (*this)(left[i], right[i]));
      if (!equal) return false;
    }
    return true;
  }

  Result<bool> dicts_equal(const DictObject& left, const DictObject& right) {
    if (left.entries.size() != right.entries.size()) return false;
    for (const auto& [key, value] : left.entries) {
      TRIREME_ASSIGN(const Value* other, right.find(key));
      if (other == nullptr) return false;
      TRIREME_ASSIGN(const bool equal, (*this)(value, *other));
      if (!equal) return false;
    }
    return true;
  }

  Budget& budget_;
  int depth_ = 0;
};

Result<Value> add_sequences(Budget& budget, const Value& left, const Value& right) {
  TRIREME_TRY(budget.admit((left.items().size() + right.items().size()) * sizeof(Value)));
  std::vector<Value> items = left.items();
  items.insert(items.end(), right.items().begin(), right.items().end());
  return left.is(Kind::kList) ? make_list(budget, std::move(items)) : make_tuple(budget, std::move(items));
}

Result<Value> add_strings(Budget& budget, const Value& left, const Value& right) {
  TRIREME_TRY(budget.admit(left.text().size() + right.text().size()));
  const bool markup = left.is_markup() || right.is_markup();
  const auto part = [&](const Value& value) {
    return markup && !value.is_markup() ? escape_html(value.text()) : value.text();
  };
  return make_string(budget, part(left) + part(right), markup);
}

Result<Value> repeat(Budget& budget, const Value& value, std::int64_t times) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  const std::size_t size = value.is_string() ? value.text().size() : value.items().size() * sizeof(Value);
  if (count != 0 && size > SIZE_MAX / 2 / count) return budget.admit(SIZE_MAX).map([] { return Value(); });
  TRIREME_TRY(budget.admit(size * count));
  if (value.is_string()) {
    std::string text;
    if (size != 0) text.reserve(size * count);
    for (std::size_t i = 0; size != 0 && i < count; ++i) text += value.text();
    return make_string(budget, std::move(text), value.is_markup());
  }
  std::vector<Value> items;
  for (std::size_t i = 0; size != 0 && i < count; ++i) {
    items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return value.is(Kind::kList) ? make_list(budget, std::move(items)) : make_tuple(budget, std::move(items));
}

Result<Value> integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return template_error("0.0 cannot be raised to a negative power");
    return Value::floating(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  if (base == 0 || base == 1) return Value::integer(exponent == 0 ? std::int64_t{1} : base);
  if (base == -1) return Value::integer(std::int64_t{exponent % 2 == 0 ? 1 : -1});
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(result, base, &result)) return overflow();
  }
  return Value::integer(result);
}

Result<Value> integer_arithmetic(std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "+") return __builtin_add_overflow(a, b, &result) ? Result<Value>(overflow()) : Value::integer(result);
  if (op == "-") return __builtin_sub_overflow(a, b, &result) ? Result<Value>(overflow()) : Value::integer(result);
  if (op == "*") return __builtin_mul_overflow(a, b, &result) ? Result<Value>(overflow()) : Value::integer(result);
  if (op == "**") return integer_power(a, b);
  if (b == 0) return template_error("division by zero");
  if (op == "/") return Value::floating(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
  if (b == -1) return op == "%" ? Value::integer(std::int64_t{0}) : integer_arithmetic("-", 0, a);
  const bool adjust = a % b != 0 && ((a < 0) != (b < 0));
  return op == "%" ? Value::integer(a % b + (adjust ? b : 0)) : Value::integer(a / b - (adjust ? 1 : 0));
}

Result<Value> float_arithmetic(std::string_view op, double a, double b) {
  if (op == "+") return Value::floating(a + b);
  if (op == "-") return Value::floating(a - b);
  if (op == "*") return Value::floating(a * b);
  if (op == "**") {
    if (a == 0 && b < 0) return template_error("0.0 cannot be raised to a negative power");
    if (a < 0 && std::isfinite(a) && std::isfinite(b) && std::floor(b) != b) return unsupported("complex numbers");
    const double power = std::pow(a, b);
    if (std::isinf(power) && std::isfinite(a) && std::isfinite(b))
      return template_error("numerical result out of range");
    return Value::floating(power);
  }
  if (b == 0) return template_error("float division by zero");
  if (op == "/") return Value::floating(a / b);
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      quotient -= 1;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  if (op == "%") return Value::floating(rest);
  if (quotient == 0) return Value::floating(std::copysign(0.0, a / b));
  const double whole = std::floor(quotient);
  return Value::floating(quotient - whole > 0.5 ? whole + 1 : whole);
}

bool is_slice_bound(const Value& value) { return value.is_none() || value.is_integral(); }

std::optional<std::int64_t> slice_bound(const Value& value) {
  return value.is_none() ? std::nullopt : std::optional<std::int64_t>(value.as_int());
}

// The positions that a slice takes: start, start + step, ... count of them.
struct SliceBounds {
  std::int64_t start, stop, step, count;
};

Result<SliceBounds> slice_bounds(std::int64_t length, const Value& from, const Value& to, const Value& by) {
  const auto start = slice_bound(from);
  const auto stop = slice_bound(to);
  std::int64_t step = slice_bound(by).value_or(1);
  if (step == 0) return template_error("slice step cannot be zero");
  step = std::clamp<std::int64_t>(step, -INT64_MAX, INT64_MAX);
  const auto clip = [&](std::optional<std::int64_t> bound, std::int64_t otherwise) {
    if (!bound) return otherwise;
    std::int64_t at = *bound < 0 ? *bound + length : *bound;
    return step > 0 ? std::clamp<std::int64_t>(at, 0, length) : std::clamp<std::int64_t>(at, -1, length - 1);
  };
  const std::int64_t first = clip(start, step > 0 ? 0 : length - 1);
  const std::int64_t last = clip(stop, step > 0 ? length : -1);
  std::int64_t count = 0;
  if (step > 0 && first < last) count = (last - first - 1) / step + 1;
  if (step < 0 && first > last) count = (first - last - 1) / -step + 1;
  return SliceBounds{first, last, step, count};
}

Result<Value> slice_string(Budget& budget, const Value& value, const SliceBounds& bounds) {
  const std::string& text = value.text();
  const std::size_t length = string_length(value);
  TRIREME_TRY(budget.admit(text.size()));
  const bool plain = length == text.size();
  if (bounds.count == 0) return make_string(budget, {}, value.is_markup());
  if (bounds.step == 1) {
    const auto first = static_cast<std::size_t>(bounds.start);
    const auto count = static_cast<std::size_t>(bounds.count);
    if (plain) return make_string(budget, text.substr(first, count), value.is_markup());
    const std::size_t from = byte_offset(text, first);
    const std::size_t bytes = byte_offset(std::string_view(text).substr(from), count);
    return make_string(budget, text.substr(from, bytes), value.is_markup());
  }
  std::vector<std::size_t> starts;
  if (!plain) {
    TRIREME_TRY(budget.admit(length * sizeof(std::size_t)));
    for (std::size_t at = 0; at < text.size(); next_code_point(text, at)) starts.push_back(at);
    starts.push_back(text.size());
  }
  std::string out;
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    const auto at = static_cast<std::size_t>(bounds.start + i * bounds.step);
    out += plain ? text.substr(at, 1) : text.substr(starts[at], starts[at + 1] - starts[at]);
  }
  return make_string(budget, std::move(out), value.is_markup());
}

}  // namespace

tl::unexpected<Error> undefined_error(const Value& undefined) {
  return template_error(undefined.object() ? undefined.as<UndefinedObject>().message : "a value is undefined",
                        "give the variable, or use a template that does not need it");
}

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return false;
    case Kind::kBool:
    case Kind::kInt: return value.as_int() != 0;
    case Kind::kFloat: return value.as_double() != 0;
    case Kind::kString: return !value.text().empty();
    case Kind::kList:
    case Kind::kTuple: return !value.items().empty();
    case Kind::kDict: return !value.dict().entries.empty();
    case Kind::kRange: return value.range().length != 0;
    case Kind::kView: return !value.as<ViewObject>().dict.dict().entries.empty();
    default: return true;
  }
}

Result<bool> are_equal(Budget& budget, const Value& left, const Value& right) { return Equality(budget)(left, right); }

Result<bool> less_than(Budget& budget, const Value& left, const Value& right) {
  TRIREME_TRY(budget.work(1));
  if (left.is_number() && right.is_number()) return order_numbers(left, right) == -1;
  if (left.is_string() && right.is_string()) {
    TRIREME_TRY(budget.work(std::min(left.text().size(), right.text().size()) / 16));
    return left.text() < right.text();
  }
  if (left.is_sequence() && left.kind() == right.kind()) {
    const auto& a = left.items();
    const auto& b = right.items();
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
      TRIREME_ASSIGN(const bool equal, are_equal(budget, a[i], b[i]));
      if (!equal) return less_than(budget, a[i], b[i]);
    }
    return a.size() < b.size();
  }
  return unsupported_operands("<", left, right);
}

Result<bool> compare(Budget& budget, std::string_view op, const Value& left, const Value& right) {
  if (op == "in") return contains(budget, right, left);
  if (op == "notin") return contains(budget, right, left).map([](bool found) { return !found; });
  if (op == "==") return are_equal(budget, left, right);
  if (op == "!=") return are_equal(budget, left, right).map([](bool equal) { return !equal; });
  if (left.is_number() && right.is_number()) {
    const int order = order_numbers(left, right);
    return (op == "<" && order == -1) || (op == ">" && order == 1) || (op == "<=" && (order == -1 || order == 0)) ||
           (op == ">=" && (order == 1 || order == 0));
  }
  if (op == "<" || op == ">=") {
    TRIREME_ASSIGN(const bool less, less_than(budget, left, right));
    return (op == "<") == less;
  }
  TRIREME_ASSIGN(const bool greater, less_than(budget, right, left));
  return (op == ">") == greater;
}

Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kString:
      if (!item.is_string()) {
        return template_error("'in <string>' requires string as left operand, not " + std::string(type_name(item)));
      }
      TRIREME_TRY(admit_search(budget, container.text(), item.text()));
      return container.text().find(item.text()) != std::string::npos;
    case Kind::kDict: return container.dict().find(item).map([](const Value* found) { return found != nullptr; });
    case Kind::kUndefined: return false;
    default: break;
  }
  if (container.is(Kind::kView) && container.as<ViewObject>().part == ViewObject::Part::kKeys) {
    return contains(budget, container.as<ViewObject>().dict, item);
  }
  if (!is_iterable(container)) {
    return template_error("argument of type '" + std::string(type_name(container)) + "' is not iterable");
  }
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(container));
  Value candidate;
  while (true) {
    TRIREME_ASSIGN(const bool more, iterator.next(candidate));
    if (!more) return false;
    TRIREME_ASSIGN(const bool equal, are_equal(budget, candidate, item));
    if (equal) return true;
  }
}

Result<Value> arithmetic(Budget& budget, std::string_view op, const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) return integer_arithmetic(op, left.as_int(), right.as_int());
  if (left.is_number() && right.is_number()) return float_arithmetic(op, left.as_double(), right.as_double());
  if (op == "+") {
    if (left.is_string() && right.is_string()) return add_strings(budget, left, right);
    if (left.is_sequence() && left.kind() == right.kind()) return add_sequences(budget, left, right);
  }
  if (op == "*") {
    if ((left.is_string() || left.is_sequence()) && right.is_integral()) return repeat(budget, left, right.as_int());
    if ((right.is_string() || right.is_sequence()) && left.is_integral()) return repeat(budget, right, left.as_int());
  }
  if (op == "%" && left.is_string()) return format_percent(budget, left, right);
  return unsupported_operands(op, left, right);
}

Result<Value> negate(const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kFloat)) return Value::floating(-value.as_double());
  if (value.is_integral()) return integer_arithmetic("-", 0, value.as_int());
  return template_error("bad operand type for unary -: '" + std::string(type_name(value)) + "'");
}

Result<Value> positive(const Value& value) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is_integral()) return Value::integer(value.as_int());
  if (value.is(Kind::kFloat)) return value;
  return template_error("bad operand type for unary +: '" + std::string(type_name(value)) + "'");
}

Result<Value> slice(Budget& budget, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) return undefined_error(value);
  if (!value.is_string() && !value.is_sequence() && !value.is(Kind::kRange)) {
    return template_error("'" + std::string(type_name(value)) + "' object cannot be sliced");
  }
  if (!is_slice_bound(start) || !is_slice_bound(stop) || !is_slice_bound(step)) {
    return template_error("slice indices must be integers or None");
  }
  TRIREME_ASSIGN(const std::size_t length, length_of(value));
  TRIREME_ASSIGN(const SliceBounds bounds, slice_bounds(static_cast<std::int64_t>(length), start, stop, step));
  if (value.is_string()) return slice_string(budget, value, bounds);
  if (value.is(Kind::kRange)) {
    const RangeObject& range = value.range();
    std::int64_t by = 0;
    std::int64_t from = 0;
    std::int64_t to = 0;
    if (__builtin_mul_overflow(range.step, bounds.step, &by) ||
        __builtin_mul_overflow(bounds.start, range.step, &from) || __builtin_add_overflow(from, range.start, &from) ||
        __builtin_mul_overflow(bounds.stop, range.step, &to) || __builtin_add_overflow(to, range.start, &to)) {
      return overflow();
    }
    return Value(Kind::kRange, std::make_shared<RangeObject>(budget, from, to, by));
  }
  TRIREME_TRY(budget.admit(static_cast<std::size_t>(bounds.count) * sizeof(Value)));
  std::vector<Value> items;
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    items.push_back(value.items()[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
  }
  return value.is(Kind::kList) ? make_list(budget, std::move(items)) : make_tuple(budget, std::move(items));
}

Result<std::optional<Value>> item_of(Budget& budget, const Value& value, const Value& key) {
  if (value.is_undefined()) return undefined_error(value);
  if (value.is(Kind::kDict)) {
    const auto found = value.dict().find(key);
    if (!found || *found == nullptr) return std::optional<Value>();
    return std::optional<Value>(**found);
  }
  if (!value.is_string() && !value.is_sequence() && !value.is(Kind::kRange)) return std::optional<Value>();
  if (!key.is_integral()) return std::optional<Value>();
  TRIREME_ASSIGN(const std::size_t length, length_of(value));
  const auto size = static_cast<std::int64_t>(length);
  const std::int64_t at = key.as_int() < 0 ? key.as_int() + size : key.as_int();
  if (at < 0 || at >= size) return std::optional<Value>();
  if (value.is_sequence()) return std::optional<Value>(value.items()[static_cast<std::size_t>(at)]);
  if (value.is(Kind::kRange)) return std::optional<Value>(Value::integer(value.range().at(at)));
  const std::string& text = value.text();
  const bool plain = length == text.size();
  std::size_t from = plain ? static_cast<std::size_t>(at) : byte_offset(text, static_cast<std::size_t>(at));
  if (!plain) TRIREME_TRY(budget.work(from / 16));
  const std::size_t start = from;
  next_code_point(text, from);
  return std::optional<Value>(make_string(budget, text.substr(start, from - start), value.is_markup()));
}

}  // namespace trireme::runtime::jinja
