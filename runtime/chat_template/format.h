// Python's two ways to format: the % operator and str.format.
#pragma once

#include <string>
#include <string_view>

#include "runtime/chat_template/value.h"

namespace trireme::runtime::jinja {

class Interpreter;
struct CallArguments;

// format % arguments, where a tuple gives several and a dict gives them by name. Errors: those of Python.
Result<Value> format_percent(Budget& budget, const Value& format, const Value& arguments);

// format.format(...), whose fields may name attributes and items.
Result<Value> format_braces(Interpreter& interpreter, const Value& format, const CallArguments& arguments);

}  // namespace trireme::runtime::jinja
