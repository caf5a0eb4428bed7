// Pre-tokenizers: how a text is cut before the model sees it. Named as in the official library.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "hal/result.h"
#include "runtime/tokenizer/pattern.h"
#include "runtime/tokenizer/pieces.h"

namespace trireme::runtime {

struct SplitPreTokenizer {
  Pattern pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  // what lies between the matches is the match
};
struct PrefixSpacePreTokenizer {};  // a blank before each piece that does not begin with one
struct ByteLevelPreTokenizer {};    // writes each piece in the byte alphabet
struct MetaspacePreTokenizer {
  enum class Prepend : uint8_t { kAlways, kFirst, kNever };
  std::string replacement;  // for blanks; one character
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};
struct DigitsPreTokenizer {
  bool individual = false;
};
struct WhitespacePreTokenizer {};       // runs of word characters and runs of others; white space goes
struct WhitespaceSplitPreTokenizer {};  // what lies between white space
struct PunctuationPreTokenizer {
  SplitBehavior behavior = SplitBehavior::kIsolated;
};

// What SentencePiece writes for the blank before a word.
constexpr std::string_view kWordMarker = "▁";

// Cuts before each marker ("▁") that follows another character. Changes no ids where crosses_words() is false, and
// keeps the pieces short.
struct WordStartPreTokenizer {
  std::string marker;
};

using PreTokenizer = std::variant<SplitPreTokenizer, PrefixSpacePreTokenizer, ByteLevelPreTokenizer,
                                  MetaspacePreTokenizer, DigitsPreTokenizer, WhitespacePreTokenizer,
                                  WhitespaceSplitPreTokenizer, PunctuationPreTokenizer, WordStartPreTokenizer>;

// Whether the spelling has the marker behind another character.
bool crosses_words(std::string_view spelling, std::string_view marker);

// The pattern of the ByteLevel pre-tokenizer's use_regex (GPT-2's).
std::string_view gpt2_pattern();

// Applies all steps in order. The text must be UTF-8. Errors: those of RegexMatcher::find_all(); kUnsupported when the
// steps make the text longer than growth_limit().
Status pre_tokenize(std::span<const PreTokenizer> steps, PieceList& list);

}  // namespace trireme::runtime
