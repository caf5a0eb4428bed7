#include "runtime/tokenizer/regex_translation.h"

#include <cctype>
#include <optional>
#include <vector>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

// The fractions and superscripts of Latin-1 are word characters in Oniguruma's tables, and no others are.
constexpr std::string_view kWordClass = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xB2\\xB3\\xB9\\xBC-\\xBE";
constexpr std::string_view kHexClass = "0-9A-Fa-f";

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> run() {
    while (at_ < pattern_.size()) TRIREME_TRY(step());
    return std::move(out_);
  }

 private:
  Status unsupported(std::string_view why) const {
    return fail(ErrorCode::kUnsupported, "regular expression \"" + printable(pattern_) + "\"", std::string(why));
  }
  char peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }
  bool next_is(std::string_view text) const { return pattern_.substr(at_, text.size()) == text; }
  void copy(size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }
  void replace(size_t count, std::string_view text) {
    out_ += text;
    at_ += count;
  }
  void begin_atom() { atom_ = out_.size(); }

  Status step() {
    switch (peek()) {
      case '\\': begin_atom(); return escape(false);
      case '[': begin_atom(); return character_class();
      case '(': return open_group();
      case ')':
        copy(1);
        if (!groups_.empty()) {
          atom_ = groups_.back();
          groups_.pop_back();
        }
        return {};
      case '{': return braces();
      case '?':
      case '*':
      case '+': copy(1); return {};
      default:
        begin_atom();
        copy_character();
        return {};
    }
  }

  void copy_character() {
    size_t length = 1;
    while ((static_cast<unsigned char>(peek(length)) & 0xC0) == 0x80) ++length;
    copy(length);
  }

  Status escape(bool in_class) {
    const auto set = [&](std::string_view content, std::string_view negation) {
      replace(2, in_class ? std::string(content) : "[" + std::string(negation) + std::string(content) + "]");
    };
    switch (peek(1)) {
      case '\0': return unsupported("it ends with a backslash");
      case 's': replace(2, "\\p{White_Space}"); return {};
      case 'S': replace(2, "\\P{White_Space}"); return {};
      case 'w': set(kWordClass, ""); return {};
      case 'h': set(kHexClass, ""); return {};
      case 'W':
        if (in_class) return unsupported("\\W inside a character class");
        set(kWordClass, "^");
        return {};
      case 'H':
        if (in_class) return unsupported("\\H inside a character class");
        set(kHexClass, "^");
        return {};
      case 'v': replace(2, "\\x0b"); return {};
      case 'Q':
      case 'E':
        replace(1, "");
        copy(1);
        return {};
      case 'u': return unicode_escape();
      case 'p':
      case 'P': copy(2); return property();
      default:
        copy(1);
        copy_character();
        return {};
    }
  }

  Status unicode_escape() {
    for (size_t i = 2; i < 6; ++i) {
      if (!std::isxdigit(static_cast<unsigned char>(peek(i))))
        return unsupported("\\u without four hexadecimal digits");
    }
    const std::string digits(pattern_.substr(at_ + 2, 4));
    replace(6, "\\x{" + digits + "}");
    return {};
  }

  Status property() {
    if (peek() != '{') return unsupported("\\p without braces");
    const size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return unsupported("\\p without a closing brace");
    copy(end + 1 - at_);
    return {};
  }

  Status character_class() {
    copy(1);
    if (peek() == '^') copy(1);
    if (peek() == ']') copy(1);
    while (at_ < pattern_.size()) {
      if (peek() == ']') {
        copy(1);
        return {};
      }
      if (next_is("&&")) return unsupported("an intersection of character classes");
      if (next_is("[:")) {
        const size_t end = pattern_.find(":]", at_);
        if (end == std::string_view::npos) return unsupported("[: without :]");
        copy(end + 2 - at_);
      } else if (peek() == '[') {
        return unsupported("a character class inside another");
      } else if (peek() == '\\') {
        TRIREME_TRY(escape(true));
      } else {
        copy_character();
      }
    }
    return unsupported("a character class without its end");
  }

  Status open_group() {
    groups_.push_back(out_.size());
    if (next_is("(?~")) return unsupported("the absent operator");
    if (next_is("(?#")) {
      const size_t end = pattern_.find(')', at_);
      if (end == std::string_view::npos) return unsupported("a comment without its end");
      at_ = end + 1;
      groups_.pop_back();
      return {};
    }
    if (!next_is("(?")) {
      copy(1);
      return {};
    }
    copy(2);
    // Options such as "im-x:"; anything else after "(?" has the same spelling in both.
    size_t length = 0;
    while (std::isalpha(static_cast<unsigned char>(peek(length))) || peek(length) == '-') ++length;
    if (length == 0 || (peek(length) != ':' && peek(length) != ')')) return {};
    for (size_t i = 0; i < length; ++i) {
      const char option = pattern_[at_ + i];
      if (option != 'i' && option != 'm' && option != '-') return unsupported("a group option other than i and m");
      out_ += option == 'm' ? 's' : option;
    }
    at_ += length;
    return {};
  }

  // A brace that is no repetition is a literal in both dialects.
  Status braces() {
    size_t length = 1;
    while (std::isdigit(static_cast<unsigned char>(peek(length))) || peek(length) == ',') ++length;
    const std::string body(pattern_.substr(at_ + 1, length - 1));
    const bool repetition = peek(length) == '}' && body.find_first_of("0123456789") != std::string::npos &&
                            body.find(',') == body.rfind(',');
    if (!repetition || !atom_) {
      begin_atom();
      replace(1, "\\{");
      return {};
    }
    const bool exact = body.find(',') == std::string::npos;
    replace(length + 1, "{" + std::string(body.front() == ',' ? "0" : "") + body + "}");
    if (peek() == '?' && exact) return unsupported("{n}?");
    if (peek() == '+') {
      out_.insert(*atom_, "(?:");
      out_ += ")";
    }
    return {};
  }

  std::string_view pattern_;
  size_t at_ = 0;
  std::string out_;
  std::optional<size_t> atom_;  // where the last atom begins in out_
  std::vector<size_t> groups_;  // where the open groups begin in out_
};

}  // namespace

Result<std::string> translate_oniguruma(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace trireme::runtime
