#include "runtime/chat_template/text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace trireme::runtime::jinja {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

icu::UnicodeString to_icu(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

std::string title_of(char32_t code_point) {
  std::string out;
  icu::UnicodeString one(static_cast<UChar32>(code_point));
  one.toTitle(nullptr, icu::Locale::getRoot(), U_TITLECASE_NO_BREAK_ADJUSTMENT);
  one.toUTF8String(out);
  return out;
}

bool is_cased(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED) != 0; }
bool is_upper(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_UPPERCASE) != 0; }
bool is_lower(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_LOWERCASE) != 0; }
bool is_title(char32_t c) { return u_charType(static_cast<UChar32>(c)) == U_TITLECASE_LETTER; }
bool is_alpha(char32_t c) { return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_L_MASK) != 0; }
int numeric_type(char32_t c) { return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE); }
bool is_decimal(char32_t c) { return numeric_type(c) == U_NT_DECIMAL; }
bool is_digit(char32_t c) { return is_decimal(c) || numeric_type(c) == U_NT_DIGIT; }
bool is_numeric(char32_t c) { return numeric_type(c) != U_NT_NONE; }

template <typename Predicate>
bool every(std::string_view text, Predicate predicate) {
  if (text.empty()) return false;
  for (std::size_t at = 0; at < text.size();) {
    if (!predicate(next_code_point(text, at))) return false;
  }
  return true;
}

// str.isupper / str.islower: no code point of the other cases and at least one of this.
bool is_one_case(std::string_view text, bool upper) {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_title(c) || (upper ? is_lower(c) : is_upper(c))) return false;
    found = found || (upper ? is_upper(c) : is_lower(c));
  }
  return found;
}

bool is_title_cased(std::string_view text) {
  bool found = false;
  bool previous_cased = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_upper(c) || is_title(c)) {
      if (previous_cased) return false;
      previous_cased = found = true;
    } else if (is_lower(c)) {
      if (!previous_cased) return false;
      previous_cased = found = true;
    } else {
      previous_cased = false;
    }
  }
  return found;
}

bool is_identifier(std::string_view text) {
  bool first = true;
  return every(text, [&](char32_t c) {
    const bool start = c == '_' || u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_XID_START) != 0;
    const bool good = start || (!first && u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_XID_CONTINUE) != 0);
    first = false;
    return good;
  });
}

// Removes single underscores between digits; false where Python refuses them.
bool drop_underscores(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out.push_back(text[i]);
      continue;
    }
    const auto alphanumeric = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !alphanumeric(i - 1) || !alphanumeric(i + 1)) return false;
  }
  return true;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    char32_t value = lead;
    if (lead >= 0x80) {
      if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        value = lead & 0x1Fu;
      } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        value = lead & 0x0Fu;
      } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        value = lead & 0x07u;
      } else {
        return false;
      }
      if (text.size() - i < length) return false;
      for (std::size_t k = 1; k < length; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        if ((next & 0xC0u) != 0x80u) return false;
        value = (value << 6) | (next & 0x3Fu);
      }
      constexpr char32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
      if (value < kFirst[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
    }
    i += length;
  }
  return true;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t value = lead & (0x3Fu >> more);
  for (int k = 0; k < more && at < text.size(); ++k) {
    value = (value << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  }
  return value;
}

void append_code_point(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0u | (c >> 6));
    put(0x80u | (c & 0x3Fu));
  } else if (c < 0x10000) {
    put(0xE0u | (c >> 12));
    put(0x80u | ((c >> 6) & 0x3Fu));
    put(0x80u | (c & 0x3Fu));
  } else {
    put(0xF0u | (c >> 18));
    put(0x80u | ((c >> 12) & 0x3Fu));
    put(0x80u | ((c >> 6) & 0x3Fu));
    put(0x80u | (c & 0x3Fu));
  }
}

std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (index > 0 && at < text.size()) {
    next_code_point(text, at);
    --index;
  }
  return at;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= 0x20 && c < 0x7F;
  constexpr std::uint32_t kHidden = U_GC_C_MASK | U_GC_Z_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kHidden) == 0;
}

bool is_word(char32_t c) { return c == '_' || is_alpha(c) || is_numeric(c); }

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    std::size_t at = 0;
    if (!is_space(next_code_point(text, at))) break;
    text.remove_prefix(at);
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0u) == 0x80u) --start;
    std::size_t at = start;
    if (!is_space(next_code_point(text, at))) break;
    text = text.substr(0, start);
  }
  return text;
}

std::string_view strip_left(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    std::size_t at = 0;
    next_code_point(text, at);
    if (set.find(text.substr(0, at)) == std::string_view::npos) break;
    text.remove_prefix(at);
  }
  return text;
}

std::string_view strip_right(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0u) == 0x80u) --start;
    if (set.find(text.substr(start)) == std::string_view::npos) break;
    text = text.substr(0, start);
  }
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t here = at;
    const char32_t c = next_code_point(text, at);
    const bool ends = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!ends) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(start, (keep_ends ? at : here) - start));
    start = at;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  if (is_ascii(text)) {
    std::transform(out.begin(), out.end(), out.begin(), ascii_upper);
    return out;
  }
  out.clear();
  to_icu(text).toUpper(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  if (is_ascii(text)) {
    std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
    return out;
  }
  out.clear();
  to_icu(text).toLower(icu::Locale::getRoot()).toUTF8String(out);
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  bool previous_cased = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    out += previous_cased ? to_lower(text.substr(start, at - start)) : title_of(c);
    previous_cased = is_cased(c);
  }
  return out;
}

std::string to_capitalized(std::string_view text) {
  if (text.empty()) return {};
  std::size_t at = 0;
  const char32_t first = next_code_point(text, at);
  return title_of(first) + to_lower(text.substr(at));
}

std::string swap_case(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    const std::string_view one = text.substr(start, at - start);
    out += is_upper(c) ? to_lower(one) : is_lower(c) ? to_upper(one) : std::string(one);
  }
  return out;
}

bool is_class(std::string_view text, std::string_view name) {
  if (name == "isalpha") return every(text, is_alpha);
  if (name == "isdigit") return every(text, is_digit);
  if (name == "isdecimal") return every(text, is_decimal);
  if (name == "isnumeric") return every(text, is_numeric);
  if (name == "isalnum") return every(text, [](char32_t c) { return is_alpha(c) || is_numeric(c); });
  if (name == "isspace") return every(text, is_space);
  if (name == "isprintable") return text.empty() || every(text, is_printable);
  if (name == "isascii") return is_ascii(text);
  if (name == "isupper") return is_one_case(text, true);
  if (name == "islower") return is_one_case(text, false);
  if (name == "istitle") return is_title_cased(text);
  if (name == "isidentifier") return is_identifier(text);
  return false;
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  const bool negative = text[0] == '-';
  std::string digits;
  for (char c : text.substr(negative ? 1 : 0, e - (negative ? 1 : 0))) {
    if (c != '.') digits.push_back(c);
  }
  int exponent = 0;
  const std::size_t skip = text[e + 1] == '+' ? 2 : 1;
  std::from_chars(text.data() + e + skip, text.data() + text.size(), exponent);
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    const std::string power = std::to_string(std::abs(exponent));
    return out + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

bool parse_float(std::string_view text, double& out) {
  std::string clean;
  if (!drop_underscores(strip_left(strip_right(text)), clean) || clean.empty()) return false;
  std::string_view rest = clean;
  const bool negative = rest[0] == '-';
  if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
  const std::string word = to_lower(rest);
  if (word == "inf" || word == "infinity") {
    out = negative ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  if (word == "nan") {
    out = std::nan("");
    return true;
  }
  if (rest.empty() || !(std::isdigit(static_cast<unsigned char>(rest[0])) != 0 || rest[0] == '.')) return false;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), out, std::chars_format::general);
  if (parsed.ptr != rest.data() + rest.size() || parsed.ec == std::errc::invalid_argument) return false;
  if (parsed.ec == std::errc::result_out_of_range) {
    const std::size_t e = word.find('e');
    out = e != std::string::npos && e + 1 < word.size() && word[e + 1] == '-' ? 0.0 : HUGE_VAL;
  }
  if (negative) out = -out;
  return true;
}

IntegerParse parse_integer(std::string_view text, int base, std::int64_t& out) {
  if (base != 0 && (base < 2 || base > 36)) return IntegerParse::kInvalid;
  std::string_view rest = strip_left(strip_right(text));
  if (rest.empty()) return IntegerParse::kInvalid;
  const bool negative = rest[0] == '-';
  if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
  const auto prefixed = [&](char letter) {
    return rest.size() > 2 && rest[0] == '0' && ascii_lower(rest[1]) == letter;
  };
  int prefix_base = prefixed('x') ? 16 : prefixed('o') ? 8 : prefixed('b') ? 2 : 0;
  bool decimal_zero_only = false;
  if (prefix_base != 0 && (base == 0 || base == prefix_base)) {
    rest.remove_prefix(rest[2] == '_' ? 3 : 2);
    base = prefix_base;
  } else if (base == 0) {
    decimal_zero_only = rest.size() > 1 && rest[0] == '0';
    base = 10;
  }
  std::string clean;
  if (!drop_underscores(rest, clean) || clean.empty() || clean[0] == '-' || clean[0] == '+')
    return IntegerParse::kInvalid;
  if (decimal_zero_only && clean.find_first_not_of('0') != std::string::npos) return IntegerParse::kInvalid;
  if (negative) clean.insert(clean.begin(), '-');
  const auto parsed = std::from_chars(clean.data(), clean.data() + clean.size(), out, base);
  if (parsed.ptr != clean.data() + clean.size() || parsed.ec == std::errc::invalid_argument) {
    return IntegerParse::kInvalid;
  }
  return parsed.ec == std::errc::result_out_of_range ? IntegerParse::kOverflow : IntegerParse::kOk;
}

}  // namespace trireme::runtime::jinja
