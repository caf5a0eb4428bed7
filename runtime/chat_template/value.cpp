#include "runtime/chat_template/value.h"

#include <algorithm>
#include <cmath>

#include "runtime/chat_template/text.h"

namespace trireme::runtime::jinja {
namespace {

// In unsigned arithmetic, where the distance of any two int64 fits.
std::int64_t range_length(std::int64_t start, std::int64_t stop, std::int64_t step) {
  const auto from = static_cast<std::uint64_t>(start);
  const auto to = static_cast<std::uint64_t>(stop);
  std::uint64_t count = 0;
  if (step > 0 && start < stop) count = (to - from - 1) / static_cast<std::uint64_t>(step) + 1;
  if (step < 0 && start > stop) count = (from - to - 1) / (0 - static_cast<std::uint64_t>(step)) + 1;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(count, INT64_MAX));
}

}  // namespace

const std::string& Value::text() const { return as<StringObject>().text; }
bool Value::is_markup() const { return is_string() && as<StringObject>().markup; }
const std::vector<Value>& Value::items() const { return as<ListObject>().items; }
const DictObject& Value::dict() const { return as<DictObject>(); }
const RangeObject& Value::range() const { return as<RangeObject>(); }

ListObject::ListObject(Budget& budget, std::vector<Value> values)
    : Object(budget, sizeof *this + values.size() * sizeof(Value)), items(std::move(values)), depth(1) {
  for (const Value& item : items) depth = std::max(depth, value_depth(item) + 1);
}

RangeObject::RangeObject(Budget& budget, std::int64_t from, std::int64_t to, std::int64_t by)
    : Object(budget, sizeof *this), start(from), stop(to), step(by), length(range_length(from, to, by)) {}

Result<const Value*> DictObject::find(const Value& key) const {
  TRIREME_ASSIGN(const std::string text, hash_text(key));
  const auto found = index.find(text);
  return found == index.end() ? nullptr : &entries[found->second].second;
}

const Value* DictObject::find(std::string_view key) const {
  std::string text = "s";
  text += key;
  const auto found = index.find(text);
  return found == index.end() ? nullptr : &entries[found->second].second;
}

Status DictObject::set(const Value& key, Value value) {
  TRIREME_ASSIGN(std::string text, hash_text(key));
  depth = std::max({depth, value_depth(key) + 1, value_depth(value) + 1});
  if (depth > kMaxValueDepth) return template_error("values are nested too deeply");
  const std::size_t bytes = text.size();
  const auto [place, inserted] = index.try_emplace(std::move(text), entries.size());
  if (!inserted) {
    entries[place->second].second = std::move(value);
    return {};
  }
  entries.emplace_back(key, std::move(value));
  grow(2 * sizeof(Value) + 96 + bytes);
  return {};
}

Value make_undefined(Budget& budget, std::string message) {
  return Value(Kind::kUndefined, std::make_shared<UndefinedObject>(budget, std::move(message)));
}

Value make_string(Budget& budget, std::string text, bool markup) {
  return Value(Kind::kString, std::make_shared<StringObject>(budget, std::move(text), markup));
}

static Result<Value> make_sequence(Budget& budget, Kind kind, std::vector<Value> items) {
  auto object = std::make_shared<ListObject>(budget, std::move(items));
  if (object->depth > kMaxValueDepth) return template_error("values are nested too deeply");
  return Value(kind, std::move(object));
}
Result<Value> make_list(Budget& budget, std::vector<Value> items) {
  return make_sequence(budget, Kind::kList, std::move(items));
}
Result<Value> make_tuple(Budget& budget, std::vector<Value> items) {
  return make_sequence(budget, Kind::kTuple, std::move(items));
}
Value make_dict(std::shared_ptr<DictObject> dict) { return Value(Kind::kDict, std::move(dict)); }

int value_depth(const Value& value) {
  switch (value.kind()) {
    case Kind::kList:
    case Kind::kTuple: return value.as<ListObject>().depth;
    case Kind::kDict: return value.dict().depth;
    case Kind::kView: return value_depth(value.as<ViewObject>().dict) + 1;
    case Kind::kGenerator: return value.as<GeneratorObject>().depth;
    case Kind::kCycler: return value_depth(value.as<CyclerObject>().items) + 1;
    case Kind::kJoiner: return value_depth(value.as<JoinerObject>().separator) + 1;
    case Kind::kMethod: return value_depth(value.as<MethodObject>().self) + 1;
    default: return 0;
  }
}

std::size_t string_length(const Value& string) {
  const auto& object = string.as<StringObject>();
  if (object.length == SIZE_MAX) object.length = count_code_points(object.text);
  return object.length;
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return "Undefined";
    case Kind::kNone: return "NoneType";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return value.is_markup() ? "Markup" : "str";
    case Kind::kList: return "list";
    case Kind::kTuple: return "tuple";
    case Kind::kDict: return "dict";
    case Kind::kRange: return "range";
    case Kind::kView: return "dict view";
    case Kind::kGenerator: return "generator";
    case Kind::kNamespace: return "Namespace";
    case Kind::kMacro: return "Macro";
    case Kind::kLoop: return "LoopContext";
    case Kind::kCycler: return "Cycler";
    case Kind::kJoiner: return "Joiner";
    case Kind::kMethod: return "method";
    case Kind::kFunction: return "function";
  }
  return "object";
}

Result<std::string> hash_text(const Value& value) {
  switch (value.kind()) {
    case Kind::kString: return "s" + value.text();
    case Kind::kNone: return std::string("N");
    case Kind::kUndefined: return std::string("U");
    case Kind::kBool:
    case Kind::kInt: return "n" + std::to_string(value.as_int());
    case Kind::kFloat: {
      const double number = value.as_double();
      if (std::floor(number) == number && std::fabs(number) < 9.2e18) {
        return "n" + std::to_string(static_cast<std::int64_t>(number));
      }
      return "n" + float_repr(number);
    }
    case Kind::kTuple: {
      std::string text = "t";
      for (const Value& item : value.items()) {
        TRIREME_ASSIGN(const std::string part, hash_text(item));
        TRIREME_TRY(value.as<ListObject>().budget().admit(part.size()));
        text += std::to_string(part.size()) + ":" + part;
      }
      return text;
    }
    case Kind::kList:
    case Kind::kDict:
    case Kind::kView: return template_error("unhashable type: '" + std::string(type_name(value)) + "'");
    case Kind::kRange: {
      const RangeObject& range = value.range();
      return "r" + std::to_string(range.length) + "," + std::to_string(range.start) + "," + std::to_string(range.step);
    }
    default: return "p" + std::to_string(reinterpret_cast<std::uintptr_t>(value.object().get()));
  }
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kRange:
    case Kind::kView:
    case Kind::kLoop:
    case Kind::kGenerator: return true;
    default: return false;
  }
}

Result<Iterator> Iterator::over(const Value& value) {
  if (value.is(Kind::kLoop)) return unsupported("iterating over the loop variable");
  if (!is_iterable(value)) {
    return template_error("'" + std::string(type_name(value)) + "' object is not iterable");
  }
  return Iterator(value);
}

Result<bool> Iterator::next(Value& item) {
  switch (source_.kind()) {
    case Kind::kString: {
      const std::string& text = source_.text();
      if (position_ >= text.size()) return false;
      const std::size_t start = position_;
      next_code_point(text, position_);
      item = make_string(source_.object()->budget(), text.substr(start, position_ - start), source_.is_markup());
      return true;
    }
    case Kind::kList:
    case Kind::kTuple:
      if (position_ >= source_.items().size()) return false;
      item = source_.items()[position_++];
      return true;
    case Kind::kDict:
      if (position_ >= source_.dict().entries.size()) return false;
      item = source_.dict().entries[position_++].first;
      return true;
    case Kind::kRange:
      if (static_cast<std::int64_t>(position_) >= source_.range().length) return false;
      item = Value::integer(source_.range().at(static_cast<std::int64_t>(position_++)));
      return true;
    case Kind::kView: {
      const auto& view = source_.as<ViewObject>();
      const auto& entries = view.dict.dict().entries;
      if (position_ >= entries.size()) return false;
      const auto& [key, value] = entries[position_++];
      if (view.part == ViewObject::Part::kKeys) {
        item = key;
      } else if (view.part == ViewObject::Part::kValues) {
        item = value;
      } else {
        TRIREME_ASSIGN(item, make_tuple(source_.object()->budget(), {key, value}));
      }
      return true;
    }
    case Kind::kGenerator: return source_.as<GeneratorObject>().next(item);
    default: return false;
  }
}

Result<std::vector<Value>> to_vector(Budget& budget, const Value& value) {
  if (value.is_sequence()) {
    TRIREME_TRY(budget.admit(value.items().size() * sizeof(Value)));
    return value.items();
  }
  TRIREME_ASSIGN(Iterator iterator, Iterator::over(value));
  std::vector<Value> items;
  Value item;
  while (true) {
    TRIREME_ASSIGN(const bool more, iterator.next(item));
    if (!more) return items;
    TRIREME_TRY(budget.work(4));
    items.push_back(std::move(item));
  }
}

Result<std::size_t> length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return std::size_t{0};
    case Kind::kString: return string_length(value);
    case Kind::kList:
    case Kind::kTuple: return value.items().size();
    case Kind::kDict: return value.dict().entries.size();
    case Kind::kRange: return static_cast<std::size_t>(value.range().length);
    case Kind::kView: return value.as<ViewObject>().dict.dict().entries.size();
    default: return template_error("object of type '" + std::string(type_name(value)) + "' has no len()");
  }
}

}  // namespace trireme::runtime::jinja
