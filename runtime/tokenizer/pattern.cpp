#include "runtime/tokenizer/pattern.h"

namespace trireme::runtime {
namespace {

std::variant<std::string_view, RegexMatcher> make_matcher(const Pattern& pattern) {
  if (const auto* text = std::get_if<std::string>(&pattern)) return std::string_view(*text);
  return RegexMatcher(std::get<Regex>(pattern));
}

}  // namespace

PatternMatcher::PatternMatcher(const Pattern& pattern) : matcher_(make_matcher(pattern)) {}

Status PatternMatcher::find_all(std::string_view subject, std::vector<Span>& matches) {
  if (auto* regex = std::get_if<RegexMatcher>(&matcher_)) return regex->find_all(subject, matches);
  const auto text = std::get<std::string_view>(matcher_);
  for (size_t at = subject.find(text); at != std::string_view::npos; at = subject.find(text, at + text.size())) {
    matches.push_back({at, at + text.size()});
  }
  return {};
}

}  // namespace trireme::runtime
