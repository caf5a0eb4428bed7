// The filters, by what they work on; find_filter (interpreter.h) searches all of these.
#pragma once

#include <span>
#include <string_view>

#include "runtime/chat_template/interpreter.h"

namespace trireme::runtime::jinja {

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

std::span<const NamedFilter> text_filters();      // text_filters.cpp
std::span<const NamedFilter> number_filters();    // number_filters.cpp
std::span<const NamedFilter> sequence_filters();  // sequence_filters.cpp
std::span<const NamedFilter> lazy_filters();      // lazy_filters.cpp

// Looks attributes up along a path such as "function.name" or an index, as filters with `attribute` do.
class AttributePath {
 public:
  // None: the item itself. Errors: neither text nor an integer.
  static Result<AttributePath> parse(Budget& budget, const Value& attribute);
  // What stands in where a step is undefined.
  void set_default(Value value) { default_ = std::move(value); }
  Result<Value> get(Interpreter& interpreter, Value item) const;

 private:
  std::vector<Value> parts_;
  std::optional<Value> default_;
};

// The value that case-insensitive comparisons use: text in lower case, everything else as it is.
Value ignoring_case(Budget& budget, const Value& value);

// A lazy sequence of the given items.
Result<Value> make_generator(Budget& budget, GeneratorObject::Next next, int depth);
Result<Value> make_generator(Budget& budget, std::vector<Value> items);

// soft_str: text stays as it is, anything else becomes str().
Result<Value> soft_text(Budget& budget, const Value& value);

// An optional bool-like and int-like argument.
bool flag(const std::optional<Value>& argument, bool otherwise = false);
Result<std::int64_t> integer_of(const std::optional<Value>& argument, std::int64_t otherwise);

}  // namespace trireme::runtime::jinja
