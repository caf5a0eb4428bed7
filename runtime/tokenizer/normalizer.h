// Normalizers: what a tokenizer does to a text before it is cut. Named as in the official library.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "hal/result.h"
#include "runtime/tokenizer/pattern.h"

namespace trireme::runtime {

enum class UnicodeForm : uint8_t { kNfc, kNfd, kNfkc, kNfkd };

struct UnicodeNormalizer {
  UnicodeForm form = UnicodeForm::kNfc;
};
struct LowercaseNormalizer {};
struct StripAccentsNormalizer {};  // drops all marks
struct ByteLevelNormalizer {};     // writes the text's bytes in the byte alphabet
struct PrependNormalizer {         // leaves an empty text alone
  std::string text;
};
struct ReplaceNormalizer {
  Pattern pattern;
  std::string content;
};
struct StripNormalizer {  // white space
  bool left = true;
  bool right = true;
};

using Normalizer = std::variant<UnicodeNormalizer, LowercaseNormalizer, StripAccentsNormalizer, ByteLevelNormalizer,
                                PrependNormalizer, ReplaceNormalizer, StripNormalizer>;

// Applies all steps in order. The text must be UTF-8 and stays so. Errors: those of RegexMatcher::find_all();
// kUnsupported when the steps make the text longer than growth_limit().
Status normalize(std::span<const Normalizer> steps, std::string& text);

}  // namespace trireme::runtime
