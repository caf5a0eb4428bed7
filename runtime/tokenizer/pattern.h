// Pattern: a fixed text or a regular expression that tokenizers search for.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/regex.h"

namespace trireme::runtime {

// A fixed text is not empty.
using Pattern = std::variant<std::string, Regex>;

// Searches many subjects; for one thread.
class PatternMatcher {
 public:
  explicit PatternMatcher(const Pattern& pattern);

  // Appends all matches, from left to right and without overlap. Errors: those of RegexMatcher::find_all().
  Status find_all(std::string_view subject, std::vector<Span>& matches);

 private:
  std::variant<std::string_view, RegexMatcher> matcher_;
};

}  // namespace trireme::runtime
