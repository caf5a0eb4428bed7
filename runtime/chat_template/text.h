// Text as Python's str sees it: UTF-8 storage, code-point positions, Unicode case and classes, float repr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trireme::runtime::jinja {

bool is_valid_utf8(std::string_view text);
std::size_t count_code_points(std::string_view text);

// The code point that starts at byte `at` of valid UTF-8; moves `at` behind it.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_code_point(std::string& out, char32_t code_point);

// Byte offset of code point `index`; text.size() where the text is shorter.
std::size_t byte_offset(std::string_view text, std::size_t index);

bool is_space(char32_t code_point);      // str.isspace
bool is_printable(char32_t code_point);  // str.isprintable
bool is_word(char32_t code_point);       // \w of re

std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
// Strips the code points that occur in `set`.
std::string_view strip_left(std::string_view text, std::string_view set);
std::string_view strip_right(std::string_view text, std::string_view set);

// Lines as str.splitlines cuts them, without their ends unless `keep_ends`.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);  // str.title
std::string to_capitalized(std::string_view text);
std::string swap_case(std::string_view text);

// The str.is* family. `name` is the Python method name ("isalpha"); false for an unknown one.
bool is_class(std::string_view text, std::string_view name);

// repr(float): the shortest digits that read back, in Python's choice of notation.
std::string float_repr(double value);

// float(str) and int(str, base) with Python's rules (spaces, underscores, prefixes); false where they raise.
bool parse_float(std::string_view text, double& out);
enum class IntegerParse { kOk, kInvalid, kOverflow };
IntegerParse parse_integer(std::string_view text, int base, std::int64_t& out);

}  // namespace trireme::runtime::jinja
