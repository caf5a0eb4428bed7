// Unicode normalization agrees with utf8proc's own, and stays fast where that does not.
#include "runtime/tokenizer/normalizer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <utf8proc.h>

#include <array>
#include <chrono>

#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

std::string normalized(UnicodeForm form, std::string text) {
  std::vector<Normalizer> steps;
  steps.emplace_back(UnicodeNormalizer{form});
  EXPECT_TRUE(normalize(steps, text));
  return text;
}

std::string utf8proc(UnicodeForm form, const std::string& text) {
  constexpr std::array<int, 4> kOptions = {UTF8PROC_COMPOSE, UTF8PROC_DECOMPOSE, UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                                           UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
  utf8proc_uint8_t* out = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), utf8proc_ssize_t(text.size()), &out,
                   utf8proc_option_t(kOptions[size_t(form)] | UTF8PROC_STABLE));
  std::string result(reinterpret_cast<char*>(out), size_t(length));
  std::free(out);
  return result;
}

RC_GTEST_PROP(UnicodeNormalizer, AgreesWithUtf8proc, ()) {
  const auto form =
      *rc::gen::elementOf(std::vector{UnicodeForm::kNfc, UnicodeForm::kNfd, UnicodeForm::kNfkc, UnicodeForm::kNfkd});
  const auto values = *rc::gen::container<std::vector<uint32_t>>(
      rc::gen::oneOf(rc::gen::inRange<uint32_t>(0, 0x250), rc::gen::inRange<uint32_t>(0x300, 0x36F),
                     rc::gen::inRange<uint32_t>(0x1100, 0x1200), rc::gen::inRange<uint32_t>(0xAC00, 0xD7A4),
                     rc::gen::inRange<uint32_t>(0xF900, 0xFFFE), rc::gen::inRange<uint32_t>(0x1D100, 0x1D800)));
  std::string text;
  for (const uint32_t value : values) append_utf8(text, value);
  RC_ASSERT(normalized(form, text) == utf8proc(form, text));
}

TEST(UnicodeNormalizer, LongRunsOfMarksTakeNoMoreThanSeconds) {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += "\u0301\u0323";
  const auto begin = std::chrono::steady_clock::now();
  const std::string result = normalized(UnicodeForm::kNfd, text);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 10);
  EXPECT_TRUE(result.starts_with("a\u0323\u0323"));
  EXPECT_TRUE(result.ends_with("\u0301\u0301"));
}

TEST(LowercaseNormalizer, TakesOneCharacterAfterTheOther) {
  std::vector<Normalizer> steps;
  steps.emplace_back(LowercaseNormalizer{});
  std::string text = "ÀΣΣ İ ẞ";
  ASSERT_TRUE(normalize(steps, text));
  EXPECT_EQ(text, "àσσ i\u0307 ß");
}

}  // namespace
}  // namespace trireme::runtime
