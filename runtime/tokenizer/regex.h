// Regex: a regular expression in the dialect of the official tokenizers library, run by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

// Immutable; copies share the compiled program.
class Regex {
 public:
  // `pattern` is in Oniguruma's Ruby syntax (see regex_translation.h).
  // Errors: kUnsupported when PCRE2 does not understand the translated pattern.
  static Result<Regex> compile(std::string_view pattern);

 private:
  friend class RegexMatcher;
  struct Program;
  explicit Regex(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  std::shared_ptr<const Program> program_;
};

// Working memory for matches of one regex; for one thread.
class RegexMatcher {
 public:
  explicit RegexMatcher(const Regex& regex);
  RegexMatcher(RegexMatcher&& other) noexcept;
  ~RegexMatcher();

  // Appends all matches in `subject`, from left to right and without overlap; an empty match does not directly follow
  // another match. The subject must be UTF-8. Errors: kUnsupported when a match needs too many steps or too much
  // memory.
  Status find_all(std::string_view subject, std::vector<Span>& matches);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trireme::runtime
