#include "runtime/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/growth.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

tl::unexpected<Error> too_long() {
  return fail(ErrorCode::kUnsupported, "a text", "the tokenizer's normalizer makes it longer than 64 times or 1 GiB",
              "shorten the text, or use another tokenizer");
}

int combining_class(utf8proc_int32_t value) { return utf8proc_get_property(value)->combining_class; }

std::vector<utf8proc_int32_t> decompose(std::string_view text, utf8proc_option_t options) {
  std::vector<utf8proc_int32_t> result;
  result.reserve(text.size());
  utf8proc_int32_t parts[32];  // U+FDFA, the longest, has 18
  for (size_t at = 0; at < text.size();) {
    const Utf8Unit unit = read_utf8(text, at);
    at += unit.length;
    const auto value = static_cast<utf8proc_int32_t>(unit.value);
    const auto count = utf8proc_decompose_char(value, parts, std::size(parts), options, nullptr);
    if (count < 0 || static_cast<size_t>(count) > std::size(parts)) {
      result.push_back(value);
    } else {
      result.insert(result.end(), parts, parts + count);
    }
  }
  return result;
}

// Canonical ordering (Unicode 15, section 3.11). Sorted here because utf8proc's own sort is quadratic in the length of
// a run of marks.
void order_marks(std::vector<utf8proc_int32_t>& values) {
  for (auto at = values.begin(); at != values.end();) {
    if (combining_class(*at) == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, values.end(), [](auto value) { return combining_class(value) == 0; });
    std::stable_sort(at, end, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

Status apply(const UnicodeNormalizer& step, std::string& text) {
  const bool compose = step.form == UnicodeForm::kNfc || step.form == UnicodeForm::kNfkc;
  const bool compatible = step.form == UnicodeForm::kNfkc || step.form == UnicodeForm::kNfkd;
  // Below U+0080 every form, below U+0300 (lead bytes under 0xCC) the form C changes nothing.
  const unsigned char first_changing = compose && !compatible ? 0xCC : 0x80;
  const auto unchanged = [&](char byte) { return static_cast<unsigned char>(byte) < first_changing; };
  if (std::all_of(text.begin(), text.end(), unchanged)) return {};
  int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
  if (compatible) options |= UTF8PROC_COMPAT;
  std::vector<utf8proc_int32_t> values = decompose(text, static_cast<utf8proc_option_t>(options));
  order_marks(values);
  if (compose) {
    const auto length = utf8proc_normalize_utf32(values.data(), static_cast<utf8proc_ssize_t>(values.size()),
                                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (length < 0) return fail(ErrorCode::kInternal, "a text", utf8proc_errmsg(length));
    values.resize(static_cast<size_t>(length));
  }
  text.clear();
  for (const utf8proc_int32_t value : values) append_utf8(text, static_cast<char32_t>(value));
  return {};
}

template <typename Function>
void for_each_character(std::string& text, Function&& append) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Unit unit = read_utf8(text, at);
    append(result, unit.value);
    at += unit.length;
  }
  text = std::move(result);
}

Status apply(const LowercaseNormalizer&, std::string& text) {
  for_each_character(text, [](std::string& out, char32_t value) {
    // The only character whose lower case is two.
    if (value == 0x130) {
      out += "i\u0307";
    } else {
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value))));
    }
  });
  return {};
}

Status apply(const StripAccentsNormalizer&, std::string& text) {
  for_each_character(text, [](std::string& out, char32_t value) {
    if (!is_mark(value)) append_utf8(out, value);
  });
  return {};
}

Status apply(const ByteLevelNormalizer&, std::string& text) {
  std::string result;
  append_byte_alphabet(result, text);
  text = std::move(result);
  return {};
}

Status apply(const PrependNormalizer& step, std::string& text) {
  if (!text.empty()) text.insert(0, step.text);
  return {};
}

Status apply(const ReplaceNormalizer& step, std::string& text, size_t limit) {
  std::vector<Span> matches;
  TRIREME_TRY(PatternMatcher(step.pattern).find_all(text, matches));
  if (matches.empty()) return {};
  if (!step.content.empty() && matches.size() > limit / step.content.size()) return too_long();
  std::string result;
  result.reserve(text.size());
  size_t done = 0;
  for (const Span& match : matches) {
    result.append(text, done, match.begin - done);
    result += step.content;
    done = match.end;
  }
  result.append(text, done);
  text = std::move(result);
  return {};
}

Status apply(const StripNormalizer& step, std::string& text) {
  size_t begin = 0;
  while (step.left && begin < text.size()) {
    const Utf8Unit unit = read_utf8(text, begin);
    if (!is_white_space(unit.value)) break;
    begin += unit.length;
  }
  size_t end = text.size();
  while (step.right && end > begin) {
    size_t last = end - 1;
    while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_white_space(read_utf8(text, last).value)) break;
    end = last;
  }
  text = text.substr(begin, end - begin);
  return {};
}

template <typename Step>
Status apply(const Step& step, std::string& text, size_t) {
  return apply(step, text);
}

}  // namespace

Status normalize(std::span<const Normalizer> steps, std::string& text) {
  const size_t limit = growth_limit(text.size());
  for (const Normalizer& step : steps) {
    TRIREME_TRY(std::visit([&](const auto& one) { return apply(one, text, limit); }, step));
    if (text.size() > limit) return too_long();
  }
  return {};
}

}  // namespace trireme::runtime
