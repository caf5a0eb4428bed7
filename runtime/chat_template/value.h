// Value: what a template computes with. Immutable but for namespaces, loops, cyclers, joiners and generators.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/chat_template/budget.h"

namespace trireme::runtime::jinja {

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kRange,
  kView,
  kGenerator,
  kNamespace,
  kMacro,
  kLoop,
  kCycler,
  kJoiner,
  kMethod,
  kFunction,
};

constexpr int kMaxValueDepth = 200;

class Object {
 public:
  Object(Budget& budget, std::size_t bytes) : budget_(budget), bytes_(bytes) { budget_.charge(bytes); }
  virtual ~Object() { budget_.release(bytes_); }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  Budget& budget() const { return budget_; }
  // Charges `bytes` more for what the object has grown by.
  void grow(std::size_t bytes) {
    budget_.charge(bytes);
    bytes_ += bytes;
  }

 private:
  Budget& budget_;
  std::size_t bytes_;
};

struct StringObject;
struct ListObject;
struct DictObject;
struct RangeObject;

class Value {
 public:
  Value() = default;  // undefined
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool value) { return Value(Kind::kBool).with_int(value ? 1 : 0); }
  static Value integer(std::int64_t value) { return Value(Kind::kInt).with_int(value); }
  static Value integer(std::size_t value) { return integer(static_cast<std::int64_t>(value)); }
  static Value floating(double value) {
    Value result(Kind::kFloat);
    result.number_.floating = value;
    return result;
  }
  Value(Kind kind, std::shared_ptr<Object> object) : kind_(kind), object_(std::move(object)) {}

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_none() const { return kind_ == Kind::kNone; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }
  bool is_integral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }

  bool as_bool() const { return number_.integer != 0; }
  std::int64_t as_int() const { return number_.integer; }
  // Of an int, a bool or a float.
  double as_double() const { return kind_ == Kind::kFloat ? number_.floating : static_cast<double>(number_.integer); }
  const std::string& text() const;
  bool is_markup() const;
  const std::vector<Value>& items() const;
  const DictObject& dict() const;
  const RangeObject& range() const;

  const std::shared_ptr<Object>& object() const { return object_; }
  template <typename T>
  T& as() const {
    return static_cast<T&>(*object_);
  }

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  Value with_int(std::int64_t value) && {
    number_.integer = value;
    return std::move(*this);
  }

  Kind kind_ = Kind::kUndefined;
  union {
    std::int64_t integer = 0;
    double floating;
  } number_;
  std::shared_ptr<Object> object_;
};

struct UndefinedObject final : Object {
  UndefinedObject(Budget& budget, std::string why)
      : Object(budget, sizeof *this + why.size()), message(std::move(why)) {}
  std::string message;
};

struct StringObject final : Object {
  StringObject(Budget& budget, std::string content, bool is_markup)
      : Object(budget, sizeof *this + content.size()), text(std::move(content)), markup(is_markup) {}
  std::string text;
  bool markup;                            // markupsafe.Markup: made by escape and safe
  mutable std::size_t length = SIZE_MAX;  // in code points, counted when first asked for
};

struct ListObject final : Object {
  ListObject(Budget& budget, std::vector<Value> values);
  std::vector<Value> items;
  int depth;
  bool is_group = false;  // groupby's (grouper, list) tuple
};

// Keys keep their order of insertion; equal keys of different type (1, 1.0, True) are one key, as in Python.
struct DictObject final : Object {
  explicit DictObject(Budget& budget) : Object(budget, sizeof *this) {}
  // Errors: the key is not hashable.
  Result<const Value*> find(const Value& key) const;
  const Value* find(std::string_view key) const;
  Status set(const Value& key, Value value);
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, std::size_t> index;
  int depth = 1;
};

struct RangeObject final : Object {
  RangeObject(Budget& budget, std::int64_t from, std::int64_t to, std::int64_t by);
  std::int64_t at(std::int64_t index) const { return start + index * step; }
  std::int64_t start, stop, step, length;
};

struct ViewObject final : Object {
  enum class Part { kKeys, kValues, kItems };
  ViewObject(Budget& budget, Value of, Part which) : Object(budget, sizeof *this), dict(std::move(of)), part(which) {}
  Value dict;
  Part part;
};

// A lazy sequence that can be walked once, such as map and select give.
struct GeneratorObject final : Object {
  using Next = std::function<Result<bool>(Value&)>;
  GeneratorObject(Budget& budget, Next function, int nesting)
      : Object(budget, 2 * sizeof *this), next(std::move(function)), depth(nesting) {}
  Next next;  // false at the end
  int depth;
};

struct NamespaceObject final : Object {
  NamespaceObject(Budget& budget, std::shared_ptr<DictObject> values)
      : Object(budget, sizeof *this), attributes(std::move(values)) {}
  std::shared_ptr<DictObject> attributes;
};

struct CyclerObject final : Object {
  CyclerObject(Budget& budget, Value values) : Object(budget, sizeof *this), items(std::move(values)) {}
  Value items;  // a tuple
  std::size_t position = 0;
};

struct JoinerObject final : Object {
  JoinerObject(Budget& budget, Value text) : Object(budget, sizeof *this), separator(std::move(text)) {}
  Value separator;
  bool used = false;
};

// A method bound to its object, or a global function (then `self` is undefined).
struct MethodObject final : Object {
  MethodObject(Budget& budget, Value of, std::string method)
      : Object(budget, sizeof *this), self(std::move(of)), name(std::move(method)) {}
  Value self;
  std::string name;
};

Value make_undefined(Budget& budget, std::string message);
Value make_string(Budget& budget, std::string text, bool markup = false);
// Errors of these two: values nested more than kMaxValueDepth deep.
Result<Value> make_list(Budget& budget, std::vector<Value> items);
Result<Value> make_tuple(Budget& budget, std::vector<Value> items);
Value make_dict(std::shared_ptr<DictObject> dict);

int value_depth(const Value& value);
std::size_t string_length(const Value& string);  // in code points

// The name of the value's Python type, for messages.
std::string_view type_name(const Value& value);

// A text that is equal for exactly the keys that Python finds equal. Errors: not hashable.
Result<std::string> hash_text(const Value& value);

// Walks a value as Python's iter() does. The value must outlive nothing: the iterator shares it.
class Iterator {
 public:
  // Errors: the value cannot be iterated.
  static Result<Iterator> over(const Value& value);
  // Gives the next item; false at the end.
  Result<bool> next(Value& item);
  int depth() const { return value_depth(source_); }

 private:
  explicit Iterator(Value source) : source_(std::move(source)) {}
  Value source_;
  std::size_t position_ = 0;
};

bool is_iterable(const Value& value);
Result<std::vector<Value>> to_vector(Budget& budget, const Value& value);
// len(). Errors: the type has no length.
Result<std::size_t> length_of(const Value& value);

}  // namespace trireme::runtime::jinja
