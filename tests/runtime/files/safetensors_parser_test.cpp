#include <gmock/gmock.h>
#include <sys/resource.h>

#include "runtime/files/safetensors_reader.h"
#include "safetensors_bytes.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& bytes, ErrorCode code = ErrorCode::kCorruptData) {
  const auto contents = parse_safetensors(as_bytes(bytes), "m.safetensors");
  if (contents) return "accepted";
  EXPECT_EQ(contents.error().code(), code) << contents.error().message();
  EXPECT_EQ(contents.error().what(), "m.safetensors");
  EXPECT_EQ(contents.error().message().find('\n'), std::string::npos);
  return contents.error().why();
}

std::string refusal(std::string_view header, size_t data, ErrorCode code = ErrorCode::kCorruptData) {
  return refusal(safetensors_bytes(header, std::string(data, 'd')), code);
}

TEST(ParseSafetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  const std::string bytes = safetensors_bytes(
      R"({"__metadata__": {"format": "pt"}, "a": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]},
          "b": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}} )",
      "12345678abcdef");
  const auto contents = parse_safetensors(as_bytes(bytes), "m");
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->metadata.at("format"), "pt");
  ASSERT_EQ(contents->tensors.size(), 2u);
  EXPECT_EQ(contents->tensors[0].name, "b");
  EXPECT_EQ(contents->tensors[0].shape, (Shape{1, 2}));
  EXPECT_EQ(contents->tensors[0].format, &formats::f32());
  EXPECT_EQ(as_string(contents->tensors[0].data), "12345678");
  EXPECT_EQ(contents->tensors[1].dtype, "BF16");
  EXPECT_EQ(as_string(contents->tensors[1].data), "abcdef");
}

TEST(ParseSafetensors, KnowsTheSizeOfEveryType) {
  const std::vector<std::pair<const char*, int>> sizes = {
      {"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}, {"I16", 2}, {"U16", 2},
      {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4},     {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  for (const auto& [dtype, size] : sizes) {
    const auto header = [&](int bytes) {
      return R"({"t": {"dtype": ")" + std::string(dtype) + R"(", "shape": [3], "data_offsets": [0, )" +
             std::to_string(bytes) + "]}}";
    };
    EXPECT_EQ(refusal(header(3 * size), size_t(3 * size)), "accepted") << dtype;
    EXPECT_THAT(refusal(header(3 * size + 1), size_t(3 * size + 1)),
                HasSubstr("tensor \"t\" " + std::string(dtype) + "[3] needs"));
  }
}

TEST(ParseSafetensors, ListsTypesThatAreNotComputedWith) {
  const std::string bytes =
      safetensors_bytes(R"({"t": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}})", "12345678");
  const auto contents = parse_safetensors(as_bytes(bytes), "m");
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->tensors[0].format, nullptr);
  EXPECT_EQ(contents->tensors[0].data.size(), 8u);
}

TEST(ParseSafetensors, AcceptsEmptyTensorsAndEmptyFiles) {
  EXPECT_EQ(refusal("{}", 0), "accepted");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [0, 5], "data_offsets": [0, 0]},
                        "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                        "c": {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}})",
                    4),
            "accepted");
}

TEST(ParseSafetensors, RefusesBadHeaders) {
  EXPECT_THAT(refusal("1234567"), HasSubstr("header's length"));
  EXPECT_THAT(refusal(std::string(8, '\xff')), HasSubstr("header of 18446744073709551615 bytes"));
  EXPECT_THAT(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)), HasSubstr("header of 3 bytes"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("{", 0), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(R"({"a": 1, "a": 2})", 0), HasSubstr("\"a\" occurs twice"));
  EXPECT_THAT(refusal(R"({"a": [[[[[]]]]]})", 0), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(R"({"__metadata__": []})", 0), HasSubstr("__metadata__"));
  EXPECT_THAT(refusal(R"({"__metadata__": {"k": 1}})", 0), HasSubstr("key \"k\" is not a string"));
}

TEST(ParseSafetensors, RefusesBadTensors) {
  const auto one = [](const std::string& fields, size_t data = 8, ErrorCode code = ErrorCode::kCorruptData) {
    return refusal("{\"t\": " + fields + "}", data, code);
  };
  EXPECT_EQ(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})"), "accepted");
  EXPECT_THAT(one("7"), HasSubstr("tensor \"t\" lacks"));
  EXPECT_THAT(one(R"({"shape": [2], "data_offsets": [0, 8]})"), HasSubstr("tensor \"t\" lacks"));
  EXPECT_THAT(one(R"({"dtype": "F32", "data_offsets": [0, 8]})"), HasSubstr("tensor \"t\" lacks"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2]})"), HasSubstr("tensor \"t\" lacks"));
  EXPECT_THAT(one(R"({"dtype": 1, "shape": [2], "data_offsets": [0, 8]})"), HasSubstr("tensor \"t\" has a dtype"));
  EXPECT_THAT(one(R"({"dtype": "F3", "shape": [2], "data_offsets": [0, 8]})", 8, ErrorCode::kUnsupported),
              HasSubstr("tensor \"t\" has the unknown dtype \"F3\""));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": 2, "data_offsets": [0, 8]})"), HasSubstr("a shape that is not a list"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]})"), HasSubstr("not a count: -2"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]})"), HasSubstr("not a count: 2.0"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [18446744073709551615], "data_offsets": [0, 8]})"),
              HasSubstr("not a count"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]})"),
              HasSubstr("more elements than can be counted"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [1152921504606846976], "data_offsets": [0, 8]})"),
              HasSubstr("more elements than can be counted"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [1,1,1,1,2], "data_offsets": [0, 8]})", 8, ErrorCode::kUnsupported),
              HasSubstr("5 dimensions"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0]})"), HasSubstr("not two counts"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, "8"]})"), HasSubstr("not two counts"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [-1, 8]})"), HasSubstr("not two counts"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]})"), HasSubstr("lies at bytes 8 to 0"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 12]})"),
              HasSubstr("lies at bytes 0 to 12 of 8"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 8]})"),
              HasSubstr("needs 4 bytes, 8 are given"));
}

TEST(ParseSafetensors, RefusesOverlapsAndGaps) {
  const auto two = [](int begin, int end, size_t data) {
    return refusal(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4],
                    "data_offsets": [)" +
                       std::to_string(begin) + ", " + std::to_string(end) + "]}}",
                   data);
  };
  EXPECT_EQ(two(4, 8, 8), "accepted");
  EXPECT_THAT(two(3, 7, 7), HasSubstr("tensor \"b\" overlaps"));
  EXPECT_THAT(two(0, 4, 4), HasSubstr("overlaps"));
  EXPECT_THAT(two(5, 9, 9), HasSubstr("a gap lies before tensor \"b\""));
  EXPECT_THAT(two(4, 8, 9), HasSubstr("bytes lie behind the last tensor"));
}

TEST(ParseSafetensors, RefusesEveryTruncation) {
  const std::string whole =
      safetensors_bytes(R"({"t": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", "12345678");
  ASSERT_EQ(refusal(whole), "accepted");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "accepted") << size;
}

}  // namespace
}  // namespace trireme::runtime
