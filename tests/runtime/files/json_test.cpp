#include "runtime/files/json.h"

#include <gmock/gmock.h>

#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

TEST(Json, ParsesAndReads) {
  const auto value = parse_json(R"({"a": [1, "two", {"b": null}]})", "x.json");
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ((*value)["a"][1], "two");
  const ScratchFolder folder;
  const auto from_file = read_json(folder.write("x.json", "[7]"));
  ASSERT_TRUE(from_file);
  EXPECT_EQ((*from_file)[0], 7);
  EXPECT_EQ(read_json(folder / "missing.json").error().code(), ErrorCode::kNotFound);
}

TEST(Json, RefusesWhatIsNotJsonInOneLine) {
  for (const std::string_view text : {"", "{", "[1,]", "{\"a\" 1}", "\"\xff\"", "nan", "[1]\n\n]", "1e999"}) {
    const auto value = parse_json(text, "x.json");
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code(), ErrorCode::kCorruptData);
    EXPECT_THAT(value.error().message(), testing::StartsWith("x.json: not valid JSON"));
    EXPECT_EQ(value.error().message().find('\n'), std::string::npos);
  }
}

TEST(Json, LimitsSizeAndDepth) {
  EXPECT_TRUE(parse_json("[[1]]", "x", {.bytes = 5, .depth = 2}));
  EXPECT_THAT(parse_json("[[1]]", "x", {.bytes = 4}).error().message(), HasSubstr("5 bytes of JSON"));
  EXPECT_THAT(parse_json("[[[1]]]", "x", {.depth = 2}).error().message(), HasSubstr("nested deeper than 2"));
  EXPECT_THAT(parse_json(std::string(100000, '['), "x").error().message(), HasSubstr("nested deeper"));
  EXPECT_TRUE(parse_json(R"(["[[[[", "\"[[["])", "x", {.depth = 1})) << "brackets in strings do not nest";
}

TEST(Json, RefusesRepeatedKeysWhenAsked) {
  const std::string text = R"({"a": {"b": 1}, "c": {"b": 2, "d": 1, "b": 3}})";
  EXPECT_TRUE(parse_json(text, "x"));
  const auto value = parse_json(text, "x", {.unique_keys = true});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message(), "x: the key \"b\" occurs twice");
  EXPECT_TRUE(parse_json(R"([{"b": 1}, {"b": 2}])", "x", {.unique_keys = true}));
}

}  // namespace
}  // namespace trireme::runtime
