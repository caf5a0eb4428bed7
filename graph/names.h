// Names and labels in text: they may come from outside and hold any byte.
#pragma once

#include <string>
#include <string_view>

namespace trireme::graph {

// In double quotes on one line: quotes and backslashes escaped, control characters as \x and two digits.
std::string quoted(std::string_view name);

}  // namespace trireme::graph
