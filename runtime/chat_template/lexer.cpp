#include "runtime/chat_template/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "runtime/chat_template/text.h"

namespace trireme::runtime::jinja {

tl::unexpected<Error> error_at(int line, std::string why, ErrorCode code) {
  return fail(code, "chat template, line " + std::to_string(line), std::move(why),
              code == ErrorCode::kUnsupported ? "use a template without it" : "correct the template");
}

namespace {

constexpr std::size_t kMaxSource = std::size_t{4} << 20;
constexpr std::array<std::string_view, 26> kOperators = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                         "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
      continue;
    }
    out.push_back('\n');
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) TRIREME_TRY(root());
    push(TokenType::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool starts(std::string_view text, std::size_t at) const {
    return std::string_view(source_).substr(std::min(at, source_.size())).starts_with(text);
  }
  void push(TokenType type, std::string text) { tokens_.push_back(Token{type, line_, std::move(text)}); }

  void advance(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    if (to > at_) line_starting_ = source_[to - 1] == '\n';
    at_ = to;
  }

  std::size_t skip_spaces(std::size_t at) const {
    while (at < source_.size()) {
      std::size_t next = at;
      if (!is_space(next_code_point(source_, next))) break;
      at = next;
    }
    return at;
  }

  // Text up to the next tag, then the tag's opening.
  Status root() {
    std::size_t tag = at_;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        push(TokenType::kData, source_.substr(at_));
        advance(source_.size());
        return {};
      }
      const char kind = source_[tag + 1];
      if (kind == '{' || kind == '%' || kind == '#') break;
      ++tag;
    }
    const char kind = source_[tag + 1];
    std::size_t after = tag + 2;
    const char sign = after < source_.size() && (source_[after] == '-' || source_[after] == '+') ? source_[after] : ' ';
    if (sign != ' ') ++after;
    push_data(rest().substr(0, tag - at_), sign, kind == '{');
    if (kind == '%') {
      if (const std::size_t raw = match_raw_begin(after); raw != 0) {
        advance(raw);
        return raw_block();
      }
    }
    advance(after);
    if (kind == '#') return comment();
    const bool variable = kind == '{';
    push(variable ? TokenType::kVariableBegin : TokenType::kBlockBegin, "");
    return tag_tokens(variable);
  }

  void push_data(std::string_view text, char sign, bool variable) {
    if (sign == '-') {
      text = strip_right(text);
    } else if (sign != '+' && !variable) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
      if ((start > 0 || line_starting_) && strip_left(text.substr(start)).empty()) text = text.substr(0, start);
    }
    if (!text.empty()) push(TokenType::kData, std::string(text));
  }

  // The end of `raw -%}` or `raw %}` that follows "{%" and its sign; 0 where another tag does.
  std::size_t match_raw_begin(std::size_t at) const {
    at = skip_spaces(at);
    if (!starts("raw", at)) return 0;
    at = skip_spaces(at + 3);
    if (starts("-%}", at)) return skip_spaces(at + 3);
    return starts("%}", at) ? at + 2 : 0;
  }

  // The end of a closing "%}", with its whitespace control; 0 where there is none.
  std::size_t match_block_end(std::string_view close, std::size_t at) const {
    if (starts("+", at) && starts(close, at + 1)) return at + 3;
    if (starts("-", at) && starts(close, at + 1)) return skip_spaces(at + 3);
    if (!starts(close, at)) return 0;
    return starts("\n", at + 2) ? at + 3 : at + 2;
  }

  Status raw_block() {
    const std::size_t begin = at_;
    for (std::size_t tag = source_.find("{%", begin); tag != std::string::npos; tag = source_.find("{%", tag + 1)) {
      std::size_t at = tag + 2;
      const char sign = starts("-", at) ? '-' : starts("+", at) ? '+' : ' ';
      at = skip_spaces(at + (sign == ' ' ? 0 : 1));
      if (!starts("endraw", at)) continue;
      const std::size_t end = match_block_end("%}", skip_spaces(at + 6));
      if (end == 0) continue;
      push_data(std::string_view(source_).substr(begin, tag - begin), sign, false);
      advance(end);
      return {};
    }
    if (at_ < source_.size()) return error_at(line_, "Missing end of raw directive");
    return {};
  }

  Status comment() {
    if (at_ >= source_.size()) return {};
    const std::size_t end = source_.find("#}", at_);
    if (end == std::string::npos) return error_at(line_, "Missing end of comment tag");
    const bool controlled = end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
    advance(match_block_end("#}", controlled ? end - 1 : end));
    return {};
  }

  Status tag_tokens(bool variable) {
    std::string open;  // the closing brackets that are due
    while (at_ < source_.size()) {
      if (open.empty()) {
        std::size_t end = 0;
        if (!variable) {
          end = match_block_end("%}", at_);
        } else if (starts("-}}", at_)) {
          end = skip_spaces(at_ + 3);
        } else if (starts("}}", at_)) {
          end = at_ + 2;
        }
        if (end != 0) {
          push(variable ? TokenType::kVariableEnd : TokenType::kBlockEnd, "");
          advance(end);
          return {};
        }
      }
      const std::size_t spaces = skip_spaces(at_);
      if (spaces != at_) {
        advance(spaces);
        continue;
      }
      TRIREME_TRY(one_token(open));
    }
    return {};
  }

  Status one_token(std::string& open) {
    const char c = source_[at_];
    if (is_ascii_digit(c)) return number();
    if (c == '\'' || c == '"') return string(c);
    std::size_t end = at_;
    while (end < source_.size()) {
      std::size_t next = end;
      if (!is_word(next_code_point(source_, next))) break;
      end = next;
    }
    if (end != at_) {
      const std::string name = source_.substr(at_, end - at_);
      if (!is_class(name, "isidentifier")) return error_at(line_, "Invalid character in identifier");
      push(TokenType::kName, name);
      advance(end);
      return {};
    }
    return operator_token(open);
  }

  Status operator_token(std::string& open) {
    const auto found =
        std::find_if(kOperators.begin(), kOperators.end(), [&](std::string_view op) { return rest().starts_with(op); });
    if (found == kOperators.end()) {
      std::size_t next = at_;
      next_code_point(source_, next);
      return error_at(line_, "unexpected char '" + source_.substr(at_, next - at_) + "'");
    }
    const char c = (*found)[0];
    if (c == '(' || c == '[' || c == '{') {
      open.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) return error_at(line_, std::string("unexpected '") + c + "'");
      if (open.back() != c)
        return error_at(line_, std::string("unexpected '") + c + "', expected '" + open.back() + "'");
      open.pop_back();
    }
    push(TokenType::kOperator, std::string(*found));
    advance(at_ + found->size());
    return {};
  }

  // Digits with single underscores between them, from `at`; returns the end, `at` where there are none.
  template <typename IsDigit>
  std::size_t digits(std::size_t at, IsDigit good) const {
    if (at >= source_.size() || !good(source_[at])) return at;
    ++at;
    while (at < source_.size()) {
      if (good(source_[at]))
        ++at;
      else if (source_[at] == '_' && at + 1 < source_.size() && good(source_[at + 1]))
        at += 2;
      else
        break;
    }
    return at;
  }

  std::size_t match_float() const {
    if (at_ > 0 && source_[at_ - 1] == '.') return 0;
    std::size_t end = digits(at_, is_ascii_digit);
    bool real = false;
    if (end < source_.size() && source_[end] == '.') {
      const std::size_t fraction = digits(end + 1, is_ascii_digit);
      if (fraction != end + 1) {
        end = fraction;
        real = true;
      }
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const std::size_t sign = end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
      const std::size_t exponent = digits(end + 1 + sign, is_ascii_digit);
      if (exponent != end + 1 + sign) {
        end = exponent;
        real = true;
      }
    }
    return real ? end : 0;
  }

  Status number() {
    if (const std::size_t end = match_float(); end != 0) {
      push(TokenType::kFloat, "");
      if (!parse_float(source_.substr(at_, end - at_), tokens_.back().number)) return error_at(line_, "a bad number");
      advance(end);
      return {};
    }
    const char letter =
        at_ + 1 < source_.size() && source_[at_] == '0' ? static_cast<char>(source_[at_ + 1] | 0x20) : ' ';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    const auto good = [base](char c) {
      const int value = is_ascii_digit(c)                        ? c - '0'
                        : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                 : 99;
      return value < base;
    };
    std::size_t end = at_;
    if (base != 10) {
      const std::size_t first = at_ + 2 + (starts("_", at_ + 2) ? 1 : 0);
      end = digits(first, good);
      if (end == first) end = at_;
    }
    if (end == at_)
      end = source_[at_] == '0' ? digits(at_, [](char c) { return c == '0'; }) : digits(at_, is_ascii_digit);
    push(TokenType::kInteger, "");
    if (parse_integer(source_.substr(at_, end - at_), 0, tokens_.back().integer) != IntegerParse::kOk) {
      return error_at(line_, "an integer of more than 64 bits", ErrorCode::kUnsupported);
    }
    advance(end);
    return {};
  }

  Status string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return error_at(line_, std::string("unexpected char '") + quote + "'");
    std::string content;
    TRIREME_TRY(unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1), content));
    push(TokenType::kString, std::move(content));
    advance(end + 1);
    return {};
  }

  // The escapes of Python's unicode-escape codec; unknown ones keep their backslash.
  Status unescape(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out.push_back(text[i]);
        continue;
      }
      const char c = text[++i];
      constexpr std::string_view kFrom = "\\'\"abfnrtv";
      constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
      if (const std::size_t known = kFrom.find(c); known != std::string_view::npos) {
        out.push_back(kTo[known]);
      } else if (c == '\n') {
        continue;
      } else if (c >= '0' && c <= '7') {
        char32_t value = 0;
        std::size_t used = 0;
        for (; used < 3 && i + used < text.size() && text[i + used] >= '0' && text[i + used] <= '7'; ++used) {
          value = value * 8 + static_cast<char32_t>(text[i + used] - '0');
        }
        i += used - 1;
        append_code_point(out, value);
      } else if (c == 'x' || c == 'u' || c == 'U') {
        TRIREME_TRY(hex_escape(text, i, out));
      } else if (c == 'N') {
        return error_at(line_, "character names in strings", ErrorCode::kUnsupported);
      } else {
        out.push_back('\\');
        out.push_back(c);
      }
    }
    return {};
  }

  Status hex_escape(std::string_view text, std::size_t& i, std::string& out) {
    const std::size_t digits = text[i] == 'x' ? 2 : text[i] == 'u' ? 4 : 8;
    std::uint32_t value = 0;
    const char* const first = text.data() + i + 1;
    const char* const last = text.data() + std::min(text.size(), i + 1 + digits);
    const auto parsed = std::from_chars(first, last, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != first + digits)
      return error_at(line_, "a truncated escape in a string");
    if (value > 0x10FFFF) return error_at(line_, "illegal Unicode character in a string");
    if (value >= 0xD800 && value <= 0xDFFF)
      return error_at(line_, "a lone surrogate in a string", ErrorCode::kUnsupported);
    append_code_point(out, value);
    i += digits;
    return {};
  }

  std::string source_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (source.size() > kMaxSource) {
    return fail(ErrorCode::kInvalidArgument, "chat template", "it has more than 4 MiB", "use a shorter template");
  }
  if (!is_valid_utf8(source)) {
    return fail(ErrorCode::kCorruptData, "chat template", "its text is not UTF-8", "correct the model's metadata");
  }
  return Lexer(normalize_newlines(source)).run();
}

}  // namespace trireme::runtime::jinja
