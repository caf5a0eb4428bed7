// Text from outside, made fit for one line of an error message.
#pragma once

#include <string>
#include <string_view>

namespace trireme::runtime {

// Control characters and bytes that are not UTF-8 become \xNN; what is longer than `limit` bytes is cut with "...".
std::string printable(std::string_view text, size_t limit = 96);

}  // namespace trireme::runtime
