#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>

#include "gguf_bytes.h"
#include "runtime/files/gguf_reader.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

constexpr uint32_t kF32 = 0;
constexpr uint32_t kF16 = 1;
constexpr uint32_t kUnknownType = 7777;

Result<GgufContents> parse(const GgufBytes& bytes, bool inspect = false) {
  // The bytes live on in a pool, as the contents refer to them.
  static std::vector<std::unique_ptr<std::string>> pool;
  pool.push_back(std::make_unique<std::string>(bytes.take()));
  return parse_gguf(as_bytes(*pool.back()), "m.gguf", {.inspect = inspect});
}

std::string refusal(const GgufBytes& bytes, ErrorCode code = ErrorCode::kCorruptData) {
  const auto contents = parse(bytes);
  if (contents) return "accepted";
  EXPECT_EQ(contents.error().code(), code) << contents.error().message();
  EXPECT_EQ(contents.error().what(), "m.gguf");
  EXPECT_EQ(contents.error().message().find('\n'), std::string::npos);
  return contents.error().why();
}

TEST(ParseGguf, ReadsVersionsTwoAndThree) {
  for (const uint32_t version : {2u, 3u}) {
    const auto contents = parse(GgufBytes().header(0, 1, version).pair<uint32_t>("k", 4, 9));
    ASSERT_TRUE(contents) << contents.error().message();
    EXPECT_EQ(contents->version, version);
    EXPECT_THAT(contents->metadata.integer("k"), Optional(9));
  }
}

TEST(ParseGguf, ReadsEveryValueType) {
  GgufBytes bytes;
  bytes.header(0, 14).pair<uint8_t>("0", 0, 200).pair<int8_t>("1", 1, -3).pair<uint16_t>("2", 2, 60000);
  bytes.pair<int16_t>("3", 3, -3).pair<uint32_t>("4", 4, 4000000000).pair<int32_t>("5", 5, -5);
  bytes.pair<float>("6", 6, 0.5f).pair<uint8_t>("7", 7, 1).text("8").put<uint32_t>(8).text("text");
  bytes.pair<uint64_t>("10", 10, uint64_t{1} << 63).pair<int64_t>("11", 11, -11).pair<double>("12", 12, 0.25);
  bytes.text("texts").put<uint32_t>(9).put<uint32_t>(8).put<uint64_t>(2).text("a").text("");
  bytes.text("flags").put<uint32_t>(9).put<uint32_t>(7).put<uint64_t>(2).put<uint8_t>(0).put<uint8_t>(1);
  const auto contents = parse(bytes);
  ASSERT_TRUE(contents) << contents.error().message();
  const GgufMetadata& metadata = contents->metadata;
  EXPECT_EQ(*metadata.find("0"), GgufValue(uint8_t{200}));
  EXPECT_EQ(*metadata.find("1"), GgufValue(int8_t{-3}));
  EXPECT_EQ(*metadata.find("2"), GgufValue(uint16_t{60000}));
  EXPECT_EQ(*metadata.find("3"), GgufValue(int16_t{-3}));
  EXPECT_EQ(*metadata.find("4"), GgufValue(uint32_t{4000000000}));
  EXPECT_EQ(*metadata.find("5"), GgufValue(int32_t{-5}));
  EXPECT_EQ(*metadata.find("6"), GgufValue(0.5f));
  EXPECT_EQ(*metadata.find("7"), GgufValue(true));
  EXPECT_EQ(*metadata.find("8"), GgufValue(std::string("text")));
  EXPECT_EQ(*metadata.find("10"), GgufValue(uint64_t{1} << 63));
  EXPECT_EQ(*metadata.find("11"), GgufValue(int64_t{-11}));
  EXPECT_EQ(*metadata.find("12"), GgufValue(0.25));
  EXPECT_THAT(*metadata.texts("texts"), ElementsAre("a", ""));
  EXPECT_EQ(*metadata.find("flags"), GgufValue(std::vector<bool>{false, true}));
}

TEST(ParseGguf, ExposesTensorsSlowestDimensionFirst) {
  const auto contents = parse(GgufBytes()
                                  .header(2, 0)
                                  .tensor("a", {3, 2}, kF32, 0)
                                  .tensor("b", {5}, kF16, 32)
                                  .pad()
                                  .data(24, 7)
                                  .pad()
                                  .data(10, 9));
  ASSERT_TRUE(contents) << contents.error().message();
  ASSERT_EQ(contents->tensors.size(), 2u);
  const GgufTensor& a = contents->tensors[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.shape, (Shape{2, 3}));
  EXPECT_EQ(a.format, &formats::f32());
  EXPECT_EQ(as_string(a.data), std::string(24, 7));
  EXPECT_EQ(as_string(contents->tensors[1].data), std::string(10, 9));
  EXPECT_EQ(contents->tensors[1].offset, a.offset + 32);
}

TEST(ParseGguf, HonoursTheAlignmentOfTheFile) {
  const auto with_alignment = [](uint32_t alignment) {
    GgufBytes bytes;
    bytes.header(1, 1)
        .pair("general.alignment", 4, alignment)
        .tensor("a", {2}, kF32, 0)
        .pad(alignment ? alignment : 1)
        .data(8, 5);
    return bytes;
  };
  const auto contents = parse(with_alignment(128));
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->tensors[0].offset % 128, 0u);
  EXPECT_EQ(as_string(contents->tensors[0].data), std::string(8, 5));
  for (const uint32_t alignment : {0u, 1u, 4u, 24u, 33u})
    EXPECT_THAT(refusal(with_alignment(alignment)), HasSubstr("general.alignment"));
}

TEST(ParseGguf, RefusesOtherFilesAndVersions) {
  EXPECT_THAT(refusal(GgufBytes()), HasSubstr("not a GGUF file"));
  EXPECT_THAT(refusal(GgufBytes().data(64, 'x')), HasSubstr("not a GGUF file"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 0, 1), ErrorCode::kUnsupported), HasSubstr("version 1"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 0, 4), ErrorCode::kUnsupported), HasSubstr("version 4"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 0, 3u << 24), ErrorCode::kUnsupported), HasSubstr("big-endian"));
}

TEST(ParseGguf, RefusesEveryTruncation) {
  GgufBytes bytes;
  bytes.header(2, 3).pair<uint32_t>("key", 4, 1).text("t").put<uint32_t>(8).text("text");
  bytes.text("list").put<uint32_t>(9).put<uint32_t>(8).put<uint64_t>(2).text("one").text("two");
  bytes.tensor("a", {3, 2}, kF32, 0).tensor("b", {8}, kF32, 32).pad().data(24).pad().data(32);
  const std::string whole = bytes.take();
  ASSERT_TRUE(parse_gguf(as_bytes(whole), "m"));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_gguf(as_bytes(whole).first(size), "m")) << "cut to " << size;
}

// Counts that no file could hold are refused before anything is allocated for them.
TEST(ParseGguf, RefusesHugeCountsQuicklyAndInLittleMemory) {
  constexpr uint64_t kHuge = uint64_t{1} << 60;
  const auto list = [](uint32_t type) {
    return GgufBytes().header(0, 1).text("k").put<uint32_t>(9).put(type).put(kHuge).data(1000);
  };
  rusage before = {};
  ::getrusage(RUSAGE_SELF, &before);
  const auto start = std::chrono::steady_clock::now();

  EXPECT_THAT(refusal(GgufBytes().header(kHuge, 0).data(1000)), HasSubstr("1152921504606846976 tensors"));
  EXPECT_THAT(refusal(GgufBytes().header(0, kHuge).data(1000)), HasSubstr("1152921504606846976 metadata keys"));
  for (const uint32_t type : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 10u, 11u, 12u})
    EXPECT_THAT(refusal(list(type)), HasSubstr("key \"k\" claims 1152921504606846976 elements"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).put(kHuge).data(1000)), HasSubstr("ends inside"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).text("k").put<uint32_t>(8).put(kHuge).data(1000)),
              HasSubstr("key \"k\""));
  EXPECT_THAT(refusal(GgufBytes().header(1, 0).put(kHuge).data(1000)), HasSubstr("ends inside"));
  EXPECT_THAT(refusal(GgufBytes().header(1, 0).tensor("a", {kHuge}, kF32, 0).data(1000)), HasSubstr("tensor \"a\""));
  EXPECT_THAT(refusal(GgufBytes().header(1, 0).tensor("a", {1u << 31, 1u << 31, 1u << 31}, kF32, 0).data(1000)),
              HasSubstr("tensor \"a\" has more elements than can be counted"));
  EXPECT_THAT(refusal(GgufBytes().header(1, 0).tensor("a", {8}, kF32, ~uint64_t{31}).data(1000)),
              HasSubstr("leaves the file"));
  EXPECT_THAT(refusal(GgufBytes().header(1, 0).tensor("a", {~uint64_t{0}}, kF32, 0).data(1000)),
              HasSubstr("tensor \"a\" has a dimension of size 18446744073709551615"));

  rusage after = {};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 << 10);
}

TEST(ParseGguf, RefusesBadMetadata) {
  EXPECT_THAT(refusal(GgufBytes().header(0, 2).pair<uint32_t>("k", 4, 1).pair<uint32_t>("k", 4, 1)),
              HasSubstr("key \"k\" occurs twice"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).pair<uint32_t>("k", 13, 1)),
              HasSubstr("key \"k\" has the unknown value type 13"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).text("k").put<uint32_t>(9).put<uint32_t>(99).put<uint64_t>(0)),
              HasSubstr("key \"k\" has the unknown element type 99"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).text("k").put<uint32_t>(9).put<uint32_t>(9).put<uint64_t>(0),
                      ErrorCode::kUnsupported),
              HasSubstr("key \"k\" is an array of arrays"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).pair<uint32_t>("", 4, 1)), HasSubstr("key has 0 bytes"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).pair<uint32_t>(std::string(65536, 'k'), 4, 1)), HasSubstr("65536"));
  EXPECT_THAT(refusal(GgufBytes().header(0, 1).pair<uint32_t>("a\nb", 13, 1)), HasSubstr("\"a\\x0ab\""));
}

TEST(ParseGguf, RefusesBadTensors) {
  const auto two = [](const GgufBytes& first, const GgufBytes& second) {
    GgufBytes bytes = GgufBytes().header(2, 0);
    for (const char c : first.take() + second.take()) bytes.put(c);
    return bytes.pad().data(256);
  };
  const auto one = [](std::string_view name, const std::vector<uint64_t>& sizes, uint32_t type, uint64_t offset) {
    return GgufBytes().tensor(name, sizes, type, offset);
  };
  EXPECT_EQ(refusal(two(one("a", {8}, kF32, 0), one("b", {8}, kF32, 32))), "accepted");
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("a", {8}, kF32, 32))), HasSubstr("tensor \"a\" occurs twice"));
  EXPECT_THAT(refusal(two(one("a", {9}, kF32, 0), one("b", {8}, kF32, 32))),
              HasSubstr("tensor \"b\" overlaps tensor \"a\""));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {8}, kF32, 0))), HasSubstr("overlaps"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 64), one("b", {9}, kF32, 32))),
              HasSubstr("tensor \"a\" overlaps tensor \"b\""));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {8}, kF32, 33))),
              HasSubstr("not a multiple of the alignment 32"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {8}, kF32, 256))),
              HasSubstr("tensor \"b\" [8] leaves the file"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {57}, kF32, 32))),
              HasSubstr("tensor \"b\" [57] leaves the file"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {0}, kF32, 32))),
              HasSubstr("tensor \"b\" has a dimension of size 0"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {1, 1, 1, 1, 1}, kF32, 32))),
              HasSubstr("tensor \"b\" has 5 dimensions"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("", {8}, kF32, 32))), HasSubstr("name has 0 bytes"));
  EXPECT_THAT(refusal(two(one("a", {8}, kF32, 0), one("b", {8}, kUnknownType, 32)), ErrorCode::kUnsupported),
              HasSubstr("tensor \"b\" is stored in the unknown format with type id 7777"));
}

TEST(ParseGguf, RefusesPartsOfBlocks) {
  for (const Format* format : builtin_formats()) {
    if (!format->gguf_type || format->block_elements == 1) continue;
    const auto rows_of = [&](int64_t columns) {
      return GgufBytes().header(1, 0).tensor("a", {uint64_t(columns), 4}, *format->gguf_type, 0).pad().data(1 << 20);
    };
    EXPECT_EQ(refusal(rows_of(2 * format->block_elements)), "accepted") << format->name;
    EXPECT_THAT(refusal(rows_of(2 * format->block_elements - 1)), HasSubstr("tensor \"a\" has rows of"))
        << format->name;
  }
}

TEST(ParseGguf, AnInspectingReaderListsUnknownTypes) {
  const auto contents =
      parse(GgufBytes().header(2, 0).tensor("a", {8}, kUnknownType, 0).tensor("b", {8}, kF32, 32).pad().data(64), true);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->tensors[0].format, nullptr);
  EXPECT_EQ(contents->tensors[0].type_id, kUnknownType);
  EXPECT_TRUE(contents->tensors[0].data.empty());
  EXPECT_EQ(contents->tensors[1].data.size(), 32u);
}

}  // namespace
}  // namespace trireme::runtime
