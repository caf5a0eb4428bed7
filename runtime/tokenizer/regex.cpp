#define PCRE2_CODE_UNIT_WIDTH 8

#include "runtime/tokenizer/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <cstdint>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/regex_translation.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

constexpr size_t kMaxPatternBytes = size_t{1} << 16;
constexpr uint32_t kHeapKibibytes = 256 * 1024;

// Backtracking takes a few steps a character where a pattern is sane.
uint32_t step_limit(size_t subject_bytes) {
  return static_cast<uint32_t>(std::min<uint64_t>(1'000'000 + 16 * uint64_t{subject_bytes}, UINT32_MAX));
}

std::string pcre2_message(int code) {
  std::string text(256, '\0');
  const int length = pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text.data()), text.size());
  text.resize(static_cast<size_t>(std::max(length, 0)));
  return text;
}

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using CodePtr = std::unique_ptr<pcre2_code, Freer<pcre2_code_free>>;
using CompileContextPtr = std::unique_ptr<pcre2_compile_context, Freer<pcre2_compile_context_free>>;
using MatchContextPtr = std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;
using MatchDataPtr = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;

}  // namespace

struct Regex::Program {
  std::string pattern;
  CodePtr code;
};

struct RegexMatcher::State {
  std::shared_ptr<const Regex::Program> program;
  MatchContextPtr context;
  MatchDataPtr data;
};

Result<Regex> Regex::compile(std::string_view pattern) {
  const std::string what = "regular expression \"" + printable(pattern) + "\"";
  if (pattern.size() > kMaxPatternBytes) return fail(ErrorCode::kUnsupported, what, "it is longer than 64 KiB");
  TRIREME_ASSIGN(const std::string translated, translate_oniguruma(pattern));
  const CompileContextPtr context(pcre2_compile_context_create(nullptr));
  if (!context) return fail(ErrorCode::kOutOfMemory, what, "no memory to compile it");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int code = 0;
  PCRE2_SIZE offset = 0;
  constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  CodePtr compiled(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), kOptions, &code,
                                 &offset, context.get()));
  if (!compiled) return fail(ErrorCode::kUnsupported, what, pcre2_message(code));
  // Without a just-in-time compiler the interpreter gives the same matches.
  pcre2_jit_compile(compiled.get(), PCRE2_JIT_COMPLETE);
  return Regex(std::make_shared<const Program>(Program{std::string(pattern), std::move(compiled)}));
}

RegexMatcher::RegexMatcher(const Regex& regex) : state_(std::make_unique<State>()) {
  state_->program = regex.program_;
  state_->context.reset(pcre2_match_context_create(nullptr));
  state_->data.reset(pcre2_match_data_create(1, nullptr));
  if (state_->context) pcre2_set_heap_limit(state_->context.get(), kHeapKibibytes);
}
RegexMatcher::RegexMatcher(RegexMatcher&& other) noexcept = default;
RegexMatcher::~RegexMatcher() = default;

Status RegexMatcher::find_all(std::string_view subject, std::vector<Span>& matches) {
  State& state = *state_;
  if (!state.context || !state.data)
    return fail(ErrorCode::kOutOfMemory, "a regular expression", "no memory to match it");
  pcre2_set_match_limit(state.context.get(), step_limit(subject.size()));
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const auto match = [&](size_t start, uint32_t options) {
    return pcre2_match(state.program->code.get(), text, subject.size(), start, options | PCRE2_NO_UTF_CHECK,
                       state.data.get(), state.context.get());
  };
  const PCRE2_SIZE* found = pcre2_get_ovector_pointer(state.data.get());
  size_t start = 0;
  size_t last_end = std::string_view::npos;
  while (start <= subject.size()) {
    int code = match(start, 0);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) code = match(start, PCRE2_NO_JIT);
    if (code == PCRE2_ERROR_NOMATCH) break;
    if (code < 0) {
      return fail(ErrorCode::kUnsupported, "regular expression \"" + printable(state.program->pattern) + "\"",
                  "on this text: " + pcre2_message(code), "shorten the text");
    }
    const Span span{found[0], found[1]};
    // \K inside a lookaround can put the end before the beginning or the match before the place where it started.
    if (span.end < span.begin || span.begin < start) {
      return fail(ErrorCode::kUnsupported, "regular expression \"" + printable(state.program->pattern) + "\"",
                  "its matches overlap");
    }
    if (span.begin == span.end && span.end == last_end) {
      if (start == subject.size()) break;
      start += read_utf8(subject, start).length;
      continue;
    }
    matches.push_back(span);
    start = last_end = span.end;
  }
  return {};
}

}  // namespace trireme::runtime
