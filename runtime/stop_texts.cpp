#include "runtime/stop_texts.h"

#include <algorithm>
#include <utility>

namespace trireme::runtime {
namespace {

// The length of the longest end of `text` that `stop` begins with.
size_t begun(std::string_view text, std::string_view stop) {
  size_t length = std::min(text.size(), stop.size() - 1);
  while (length > 0 && !text.ends_with(stop.substr(0, length))) --length;
  return length;
}

}  // namespace

StopTexts::StopTexts(std::vector<std::string> texts) : texts_(std::move(texts)) { std::erase(texts_, std::string()); }

std::string StopTexts::push(std::string_view piece) {
  if (found_) return {};
  kept_ += piece;
  size_t first = std::string::npos;
  size_t unsettled = 0;
  for (const std::string& text : texts_) {
    first = std::min(first, kept_.find(text));
    unsettled = std::max(unsettled, begun(kept_, text));
  }
  found_ = first != std::string::npos;
  const size_t settled = found_ ? first : kept_.size() - unsettled;
  std::string before = kept_.substr(0, settled);
  kept_.erase(0, found_ ? std::string::npos : settled);
  return before;
}

std::string StopTexts::finish() { return std::exchange(kept_, {}); }

}  // namespace trireme::runtime
