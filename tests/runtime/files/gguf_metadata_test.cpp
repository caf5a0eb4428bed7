#include "runtime/files/gguf_metadata.h"

#include <gmock/gmock.h>

#include <limits>

namespace trireme::runtime {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(GgufMetadata, KeepsOrderAndFindsByKey) {
  GgufMetadata metadata;
  ASSERT_TRUE(metadata.add("z", uint8_t{1}));
  ASSERT_TRUE(metadata.add("a", std::string("text")));
  EXPECT_EQ(metadata.entries()[0].first, "z");
  EXPECT_EQ(*metadata.text("a"), "text");
  EXPECT_EQ(metadata.find("b"), nullptr);
  const Status twice = metadata.add("z", uint8_t{2});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(), "key \"z\": it occurs twice");
  EXPECT_THAT(metadata.integer("z"), Optional(1));
}

TEST(GgufMetadata, SetReplacesAndEraseKeepsTheRest) {
  GgufMetadata metadata;
  for (const char* key : {"a", "b", "c"}) metadata.set(key, std::string(key));
  metadata.set("b", int32_t{5});
  EXPECT_THAT(metadata.integer("b"), Optional(5));
  metadata.erase("a");
  metadata.erase("missing");
  EXPECT_EQ(metadata.entries().size(), 2u);
  EXPECT_EQ(metadata.find("a"), nullptr);
  EXPECT_THAT(metadata.integer("b"), Optional(5));
  EXPECT_EQ(*metadata.text("c"), "c");
}

TEST(GgufMetadata, WidensNumbersOnly) {
  EXPECT_THAT(as_integer(int8_t{-3}), Optional(-3));
  EXPECT_THAT(as_integer(uint64_t{7}), Optional(7));
  EXPECT_EQ(as_integer(std::numeric_limits<uint64_t>::max()), std::nullopt);
  EXPECT_EQ(as_integer(true), std::nullopt);
  EXPECT_EQ(as_integer(1.0f), std::nullopt);
  EXPECT_THAT(as_real(0.5f), Optional(0.5));
  EXPECT_THAT(as_real(uint16_t{3}), Optional(3.0));
  EXPECT_EQ(as_real(std::string("1")), std::nullopt);
  EXPECT_THAT(as_bool(true), Optional(true));
  EXPECT_EQ(as_bool(uint8_t{1}), std::nullopt);
  EXPECT_THAT(*as_integers(std::vector<uint16_t>{1, 2}), ElementsAre(1, 2));
  EXPECT_EQ(as_integers(std::vector<uint64_t>{std::numeric_limits<uint64_t>::max()}), std::nullopt);
  EXPECT_EQ(as_integers(std::vector<float>{1}), std::nullopt);
  EXPECT_THAT(*as_reals(std::vector<float>{0.5f}), ElementsAre(0.5));
  EXPECT_THAT(*as_reals(std::vector<int32_t>{-1}), ElementsAre(-1.0));
  EXPECT_EQ(as_reals(std::vector<std::string>{"x"}), std::nullopt);
  EXPECT_THAT(*as_texts(std::vector<std::string>{"x"}), ElementsAre("x"));
  EXPECT_EQ(as_texts(std::string("x")), nullptr);
}

TEST(GgufMetadata, AMissingKeyHasNoValue) {
  const GgufMetadata metadata;
  EXPECT_EQ(metadata.integer("k"), std::nullopt);
  EXPECT_EQ(metadata.real("k"), std::nullopt);
  EXPECT_EQ(metadata.boolean("k"), std::nullopt);
  EXPECT_EQ(metadata.text("k"), nullptr);
  EXPECT_EQ(metadata.texts("k"), nullptr);
}

}  // namespace
}  // namespace trireme::runtime
