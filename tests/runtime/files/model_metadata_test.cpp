#include "runtime/files/model_metadata.h"

#include <gmock/gmock.h>

#include "runtime/files/json.h"

namespace trireme::runtime {
namespace {

using graph::MetadataSource;
using testing::ElementsAre;
using testing::Optional;

TEST(ModelMetadata, ViewsGgufKeys) {
  GgufMetadata gguf;
  gguf.set("n", uint32_t{3});
  gguf.set("x", 0.5f);
  gguf.set("yes", true);
  gguf.set("name", std::string("llama"));
  gguf.set("flags", std::vector<bool>{true, false});
  gguf.set("counts", std::vector<int32_t>{8, 0});
  gguf.set("reals", std::vector<float>{0.5f});
  gguf.set("words", std::vector<std::string>{"a"});
  const auto view = view_gguf_metadata(gguf);
  EXPECT_EQ(view->source(), MetadataSource::kGguf);
  EXPECT_TRUE(view->has("n"));
  EXPECT_FALSE(view->has("m"));
  EXPECT_THAT(view->get_int("n"), Optional(3));
  EXPECT_EQ(view->get_int("x"), std::nullopt);
  EXPECT_THAT(view->get_float("x"), Optional(0.5));
  EXPECT_THAT(view->get_float("n"), Optional(3.0));
  EXPECT_THAT(view->get_bool("yes"), Optional(true));
  EXPECT_THAT(view->get_string("name"), Optional(std::string("llama")));
  EXPECT_EQ(view->get_string("n"), std::nullopt);
  EXPECT_THAT(*view->get_int_list("flags"), ElementsAre(1, 0));
  EXPECT_THAT(*view->get_int_list("counts"), ElementsAre(8, 0));
  EXPECT_EQ(view->get_int_list("n"), std::nullopt);
  EXPECT_EQ(view->get_int_list("missing"), std::nullopt);
  EXPECT_THAT(*view->get_float_list("reals"), ElementsAre(0.5));
  EXPECT_EQ(view->get_float_list("missing"), std::nullopt);
  EXPECT_THAT(*view->get_string_list("words"), ElementsAre("a"));
  EXPECT_EQ(view->get_string_list("name"), std::nullopt);
}

std::unique_ptr<const graph::Metadata> view(std::string_view text) {
  auto metadata = flatten_config(*parse_json(text, "config.json"), "config.json");
  EXPECT_TRUE(metadata) << metadata.error().message();
  return std::move(*metadata);
}

TEST(ModelMetadata, FlattensConfig) {
  const auto config = view(R"({"hidden_size": 96, "rms_norm_eps": 1e-05, "tie": true, "type": "llama", "none": null,
      "rope": {"theta": 10000, "full": {"theta": 1e6}}, "layers": ["a", "b"], "ids": [1, true], "mixed": [1, "a"],
      "reals": [1, 0.5], "big": 18446744073709551615})");
  EXPECT_EQ(config->source(), MetadataSource::kHuggingFace);
  EXPECT_THAT(config->get_int("hidden_size"), Optional(96));
  EXPECT_THAT(config->get_float("hidden_size"), Optional(96.0));
  EXPECT_THAT(config->get_float("rms_norm_eps"), Optional(1e-5));
  EXPECT_EQ(config->get_int("rms_norm_eps"), std::nullopt);
  EXPECT_THAT(config->get_bool("tie"), Optional(true));
  EXPECT_EQ(config->get_int("tie"), std::nullopt);
  EXPECT_EQ(config->get_float("tie"), std::nullopt);
  EXPECT_EQ(config->get_bool("hidden_size"), std::nullopt);
  EXPECT_THAT(config->get_string("type"), Optional(std::string("llama")));
  EXPECT_EQ(config->get_string("hidden_size"), std::nullopt);
  EXPECT_FALSE(config->has("none"));
  EXPECT_FALSE(config->has("rope"));
  EXPECT_THAT(config->get_int("rope.theta"), Optional(10000));
  EXPECT_THAT(config->get_float("rope.full.theta"), Optional(1e6));
  EXPECT_THAT(*config->get_string_list("layers"), ElementsAre("a", "b"));
  EXPECT_THAT(*config->get_int_list("ids"), ElementsAre(1, 1));
  EXPECT_EQ(config->get_int_list("mixed"), std::nullopt);
  EXPECT_EQ(config->get_string_list("mixed"), std::nullopt);
  EXPECT_THAT(*config->get_float_list("reals"), ElementsAre(1.0, 0.5));
  EXPECT_EQ(config->get_float_list("type"), std::nullopt);
  EXPECT_EQ(config->get_int("big"), std::nullopt);
  EXPECT_THAT(config->get_float("big"), Optional(0x1p64));
}

TEST(ModelMetadata, RefusesConfigsThatSayOneThingTwice) {
  EXPECT_FALSE(flatten_config(nlohmann::json::array(), "config.json"));
  const auto twice = flatten_config(*parse_json(R"({"a.b": 1, "a": {"b": 2}})", "c"), "config.json");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(), "config.json: key \"a.b\" occurs twice");
}

}  // namespace
}  // namespace trireme::runtime
