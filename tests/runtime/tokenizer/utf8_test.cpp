// Broken UTF-8 is read as the Unicode standard recommends.
#include "runtime/tokenizer/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace trireme::runtime {
namespace {

TEST(Utf8, ReplacesMaximalInvalidSequences) {
  // The Unicode standard's own examples (version 15, tables 3-8 to 3-11).
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A\uFFFD\uFFFD"
            "B");
  EXPECT_EQ(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
}

RC_GTEST_PROP(Utf8, CharactersSurviveTheRoundTrip, ()) {
  const auto value =
      *rc::gen::suchThat(rc::gen::inRange<uint32_t>(0, 0x110000), [](uint32_t v) { return v < 0xD800 || v > 0xDFFF; });
  std::string text;
  append_utf8(text, value);
  const Utf8Unit unit = read_utf8(text, 0);
  RC_ASSERT(unit.valid && unit.value == value && unit.length == text.size());
  RC_ASSERT(is_utf8(text));
  for (size_t length = 1; length < text.size(); ++length) {
    RC_ASSERT(read_utf8(text.substr(0, length), 0).truncated);
    RC_ASSERT(settled_utf8("a" + text.substr(0, length)) == 1u);
  }
}

RC_GTEST_PROP(Utf8, LaterBytesDoNotChangeWhatIsSettled, (const std::string& a, const std::string& b)) {
  const std::string settled = a.substr(0, settled_utf8(a));
  RC_ASSERT(replace_invalid_utf8(a + b).starts_with(replace_invalid_utf8(settled)));
  RC_ASSERT(replace_invalid_utf8(a + b) ==
            replace_invalid_utf8(settled) + replace_invalid_utf8(a.substr(settled.size()) + b));
  RC_ASSERT(is_utf8(replace_invalid_utf8(a)));
}

}  // namespace
}  // namespace trireme::runtime
