#include "runtime/stop_texts.h"

#include <gtest/gtest.h>

namespace trireme::runtime {
namespace {

// What is shown of a text that arrives in these pieces.
std::string shown(StopTexts stops, const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += stops.push(piece);
  return text + stops.finish();
}

TEST(StopTexts, EndBeforeTheTextHoweverItIsCut) {
  const std::string text = "one two three";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    for (size_t next = cut; next <= text.size(); ++next)
      EXPECT_EQ(shown(StopTexts({"two"}), {text.substr(0, cut), text.substr(cut, next - cut), text.substr(next)}),
                "one ");
}

TEST(StopTexts, EndAtTheFirstOfSeveral) {
  EXPECT_EQ(shown(StopTexts({"three", "two", "never"}), {"one two three"}), "one ");
  EXPECT_EQ(shown(StopTexts({"b", "abc"}), {"x", "a", "b"}), "xa");
}

TEST(StopTexts, KeepBackOnlyWhatMayBecomeAStop) {
  StopTexts stops({"aab"});
  EXPECT_EQ(stops.push("xa"), "x");
  EXPECT_EQ(stops.push("a"), "");
  EXPECT_EQ(stops.push("a"), "a");
  EXPECT_FALSE(stops.found());
  EXPECT_EQ(stops.push("b"), "");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.push("more"), "");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopTexts, GiveBackABeginningThatBecameNone) {
  StopTexts stops({"END"});
  EXPECT_EQ(stops.push("the EN"), "the ");
  EXPECT_EQ(stops.finish(), "EN");
}

TEST(StopTexts, WithoutATextNothingIsKeptBack) {
  EXPECT_EQ(shown(StopTexts({}), {"a", "b"}), "ab");
  EXPECT_EQ(shown(StopTexts({""}), {"a", "b"}), "ab");
}

}  // namespace
}  // namespace trireme::runtime
