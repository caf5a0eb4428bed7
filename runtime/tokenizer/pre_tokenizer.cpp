#include "runtime/tokenizer/pre_tokenizer.h"

#include <vector>

#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/growth.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

// Turns matches into parts that cover the view.
void cover(std::string_view view, std::span<const Span> matches, bool invert, std::vector<Part>& parts) {
  size_t done = 0;
  for (const Span& match : matches) {
    if (match.begin > done) parts.push_back({done, match.begin, invert});
    parts.push_back({match.begin, match.end, !invert});
    done = match.end;
  }
  if (done < view.size()) parts.push_back({done, view.size(), invert});
}

// Every character for which the predicate holds is a match of its own.
template <typename Predicate>
Status split_characters(PieceList& list, SplitBehavior behavior, Predicate predicate) {
  return split_pieces(list, behavior, [&](std::string_view view, std::vector<Part>& parts) -> Status {
    size_t done = 0;
    for (size_t at = 0; at < view.size();) {
      const Utf8Unit unit = read_utf8(view, at);
      if (predicate(unit.value)) {
        if (at > done) parts.push_back({done, at, false});
        parts.push_back({at, at + unit.length, true});
        done = at + unit.length;
      }
      at += unit.length;
    }
    if (done < view.size()) parts.push_back({done, view.size(), false});
    return {};
  });
}

// Writes every piece anew; append(view, first, text) appends its new text.
template <typename Append>
void rewrite_pieces(PieceList& list, Append append) {
  std::string text;
  text.reserve(list.text.size() + list.pieces.size());
  for (Piece& piece : list.pieces) {
    const size_t begin = text.size();
    append(list.view(piece), piece.first, text);
    piece.begin = begin;
    piece.end = text.size();
  }
  list.text = std::move(text);
}

Status apply(const SplitPreTokenizer& step, PieceList& list) {
  PatternMatcher matcher(step.pattern);
  std::vector<Span> matches;
  return split_pieces(list, step.behavior, [&](std::string_view view, std::vector<Part>& parts) -> Status {
    matches.clear();
    TRIREME_TRY(matcher.find_all(view, matches));
    cover(view, matches, step.invert, parts);
    return {};
  });
}

Status apply(const PrefixSpacePreTokenizer&, PieceList& list) {
  rewrite_pieces(list, [](std::string_view view, bool, std::string& text) {
    if (!view.starts_with(' ')) text += ' ';
    text += view;
  });
  return {};
}

Status apply(const ByteLevelPreTokenizer&, PieceList& list) {
  rewrite_pieces(list, [](std::string_view view, bool, std::string& text) { append_byte_alphabet(text, view); });
  return {};
}

Status apply(const MetaspacePreTokenizer& step, PieceList& list) {
  using Prepend = MetaspacePreTokenizer::Prepend;
  rewrite_pieces(list, [&](std::string_view view, bool first, std::string& text) {
    const bool prepends = step.prepend == Prepend::kAlways || (step.prepend == Prepend::kFirst && first);
    if (prepends && !view.starts_with(' ') && !view.starts_with(step.replacement)) text += step.replacement;
    for (const char byte : view) {
      if (byte == ' ') {
        text += step.replacement;
      } else {
        text += byte;
      }
    }
  });
  if (!step.split) return {};
  const char32_t replacement = read_utf8(step.replacement, 0).value;
  return split_characters(list, SplitBehavior::kMergedWithNext, [&](char32_t value) { return value == replacement; });
}

Status apply(const DigitsPreTokenizer& step, PieceList& list) {
  return split_characters(list, step.individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, is_number);
}

Status apply(const WhitespaceSplitPreTokenizer&, PieceList& list) {
  return split_characters(list, SplitBehavior::kRemoved, is_white_space);
}

Status apply(const WhitespacePreTokenizer&, PieceList& list) {
  TRIREME_TRY(apply(WhitespaceSplitPreTokenizer{}, list));
  return split_characters(list, SplitBehavior::kContiguous, is_word_character);
}

Status apply(const PunctuationPreTokenizer& step, PieceList& list) {
  return split_characters(list, step.behavior,
                          [](char32_t value) { return is_ascii_punctuation(value) || is_punctuation(value); });
}

// The next marker at or after `from` that has another character before it; npos when there is none.
size_t find_word_start(std::string_view text, std::string_view marker, size_t from) {
  for (size_t at = text.find(marker, from); at != std::string_view::npos; at = text.find(marker, at + marker.size())) {
    if (at > 0 && !text.substr(0, at).ends_with(marker)) return at;
  }
  return std::string_view::npos;
}

Status apply(const WordStartPreTokenizer& step, PieceList& list) {
  return split_pieces(list, SplitBehavior::kIsolated, [&](std::string_view view, std::vector<Part>& parts) -> Status {
    size_t done = 0;
    for (size_t at = find_word_start(view, step.marker, 0); at != std::string_view::npos;
         at = find_word_start(view, step.marker, at + step.marker.size())) {
      parts.push_back({done, at, false});
      done = at;
    }
    parts.push_back({done, view.size(), false});
    return {};
  });
}

}  // namespace

bool crosses_words(std::string_view spelling, std::string_view marker) {
  return find_word_start(spelling, marker, 0) != std::string_view::npos;
}

std::string_view gpt2_pattern() {
  return "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
}

Status pre_tokenize(std::span<const PreTokenizer> steps, PieceList& list) {
  const size_t limit = growth_limit(list.text.size());
  for (const PreTokenizer& step : steps) {
    TRIREME_TRY(std::visit([&](const auto& one) { return apply(one, list); }, step));
    if (list.text.size() > limit) {
      return fail(ErrorCode::kUnsupported, "a text",
                  "the tokenizer's pre-tokenizer makes it longer than 64 times or 1 GiB",
                  "shorten the text, or use another tokenizer");
    }
  }
  return {};
}

}  // namespace trireme::runtime
