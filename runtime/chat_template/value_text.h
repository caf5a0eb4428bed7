// The texts of a value: Python's str() and repr(), and json.dumps.
#pragma once

#include <string>

#include "runtime/chat_template/value.h"

namespace trireme::runtime::jinja {

// Errors: the text has no fixed form (a bound method prints its address), or a limit.
Result<std::string> to_text(Budget& budget, const Value& value);
Result<std::string> to_repr(Budget& budget, const Value& value);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // the text of one level; none: everything on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
// json.dumps. Errors: a value that is not serialisable.
Result<std::string> to_json(Budget& budget, const Value& value, const JsonStyle& style);

// Asks before a text of `size` bytes grows by `more`. Errors: the limits of the budget.
Status admit_growth(Budget& budget, std::size_t size, std::size_t more);

// Asks before `wanted` is searched for in `text`, which can take the product of their lengths.
Status admit_search(Budget& budget, std::string_view text, std::string_view wanted);

// str.replace with at most `limit` replacements, all where it is negative. Errors: a limit.
Result<std::string> replace_text(Budget& budget, std::string_view text, std::string_view old_text,
                                 std::string_view new_text, std::int64_t limit);
// str.center, ljust or rjust to `width` code points. Errors: a limit.
Result<std::string> justified(Budget& budget, const std::string& text, std::string_view how, std::int64_t width,
                              std::string_view fill);

// markupsafe.escape of plain text.
std::string escape_html(std::string_view text);

}  // namespace trireme::runtime::jinja
