// Regular expressions mean what they mean in Oniguruma.
#include "runtime/tokenizer/regex.h"

#include <gtest/gtest.h>

#include "runtime/tokenizer/regex_translation.h"

namespace trireme::runtime {
namespace {

std::string matches(std::string_view pattern, std::string_view subject) {
  const auto regex = Regex::compile(pattern);
  if (!regex) return "refused: " + regex.error().message();
  std::vector<Span> spans;
  const auto status = RegexMatcher(*regex).find_all(subject, spans);
  if (!status) return "failed: " + status.error().message();
  std::string text;
  for (const Span& span : spans) text += "[" + std::string(subject.substr(span.begin, span.end - span.begin)) + "]";
  return text;
}

TEST(Regex, RepetitionsWithBoundsAreNotPossessive) {
  EXPECT_EQ(matches("a{1,2}+", "aaaaa"), "[aaaaa]");
  EXPECT_EQ(matches("(ab|c){2}+", "abcabcab"), "[abcabc]");
  EXPECT_EQ(matches("[ab]{2}+c", "ababc"), "[ababc]");
  EXPECT_EQ(matches("a++a", "aaa"), "");
  EXPECT_EQ(matches("a{,2}", "aaa"), "[aa][a]");
}

TEST(Regex, ClassesAreUnicode) {
  EXPECT_EQ(matches("\\s", "a\u0085b\u180Ec\u3000"), "[\u0085][\u3000]");
  EXPECT_EQ(matches("[\\S]+", "a\u180Eb c"), "[a\u180Eb][c]");
  EXPECT_EQ(matches("\\w+", "é½_٣-¾٭"), "[é½_٣][¾]");
  EXPECT_EQ(matches("\\W", "a-b"), "[-]");
  EXPECT_EQ(matches("\\h+", "12fFgx"), "[12fF]");
  EXPECT_EQ(matches("\\d", "a٣"), "[٣]");
  EXPECT_EQ(matches("(?i:'s)", "'S'ſ"), "['S]['ſ]");
  EXPECT_EQ(matches("\\u00e9", "e\u00e9"), "[\u00e9]");
}

TEST(Regex, LinesAndDotsAreRubys) {
  EXPECT_EQ(matches("^a$", "a\na"), "[a][a]");
  EXPECT_EQ(matches("a.b", "a\nb"), "");
  EXPECT_EQ(matches("(?m:a.b)", "a\nb"), "[a\nb]");
  EXPECT_EQ(matches("x{", "x{"), "[x{]");
  EXPECT_EQ(matches("a(?#note)b", "ab"), "[ab]");
  EXPECT_EQ(matches("[]a]", "]"), "[]]");
}

TEST(Regex, EmptyMatchesDoNotFollowAMatch) {
  EXPECT_EQ(matches("a*", "baac"), "[][aa][]");
  EXPECT_EQ(matches("(?=é)", "éé"), "[][]");
}

TEST(Regex, WhatCannotBeExpressedIsRefused) {
  for (const char* pattern : {"[a&&b]", "[a[bc]]", "[\\W]", "[\\H]", "a{2}?", "(?~a)", "(?x:a)", "\\", "[a", "(a",
                              "\\u12", "[[:a", "\\pL", "\\p{L", "(?#", "\\C", "a**b\xFF"}) {
    EXPECT_TRUE(matches(pattern, "a").starts_with("refused: regular expression \""))
        << pattern << matches(pattern, "a");
  }
}

}  // namespace
}  // namespace trireme::runtime
