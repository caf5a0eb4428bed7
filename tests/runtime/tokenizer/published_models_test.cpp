// Two published models give exactly the ids that were recorded with the official library.
#include <gtest/gtest.h>

#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

// `id` gives the tokenizer's id for a recorded one.
template <typename Id>
void expect_recorded(const TokenizerPtr& tokenizer, const json& recorded, Id id) {
  const auto ids_of = [&](const json& vector) {
    Ids ids = vector["ids"];
    for (int32_t& one : ids) one = id(one);
    return ids;
  };
  for (const json& vector : recorded["vectors"]) {
    SCOPED_TRACE(vector["text"].dump());
    EXPECT_EQ(encode(*tokenizer, vector["text"].get<std::string>()), ids_of(vector));
    EXPECT_EQ(tokenizer->decode(ids_of(vector)), vector["decoded"].get<std::string>());
    EXPECT_EQ(stream(tokenizer, ids_of(vector)), vector["decoded"].get<std::string>());
  }
  for (const json& vector : recorded["with_bos"]) {
    SCOPED_TRACE(vector["text"].dump());
    EXPECT_EQ(encode(*tokenizer, vector["text"].get<std::string>(), {.add_bos = true}), ids_of(vector));
  }
  for (const json& vector : recorded["decodes"])
    EXPECT_EQ(stream(tokenizer, ids_of(vector)), vector["text"].get<std::string>());
}

int32_t same(int32_t id) { return id; }

class SmolLm2 : public testing::Test {
 protected:
  static const json& file() {
    static const json content = read_data("real/smollm2.tokenizer.json");
    return content;
  }
};

TEST_F(SmolLm2, FromTokenizerJson) { expect_recorded(parse(file()), read_data("real/smollm2.json"), same); }

TEST_F(SmolLm2, FromGgufMetadata) {
  expect_recorded(make(as_gguf(file(), "smollm")), read_data("real/smollm2.json"), same);
}

TEST_F(SmolLm2, EndsAtTheEndOfTheTextAndOfTheTurn) {
  TokenizerData data = as_gguf(file(), "smollm");
  data.eos_token_id = 2;
  const TokenizerPtr tokenizer = make(std::move(data));
  EXPECT_EQ(Ids(tokenizer->end_ids().begin(), tokenizer->end_ids().end()), (Ids{0, 2}));
  EXPECT_EQ(tokenizer->token_text(2), "<|im_end|>");
  EXPECT_EQ(tokenizer->vocab_size(), 49152);
}

TEST(Gemma3, FromGgufMetadata) {
  const json subset = read_data("real/gemma3.subset.json");
  const auto originals = subset["ids"].get<std::vector<int32_t>>();
  const auto position = [&](int32_t id) {
    const auto found = std::lower_bound(originals.begin(), originals.end(), id);
    EXPECT_EQ(*found, id);
    return static_cast<int32_t>(found - originals.begin());
  };
  TokenizerData data;
  data.model = "llama";
  data.pre = "default";
  data.tokens = subset["tokens"];
  data.scores = subset["scores"].get<std::vector<float>>();
  data.token_types = subset["types"].get<std::vector<int32_t>>();
  data.bos_token_id = 2;
  data.eos_token_id = 1;
  data.unknown_token_id = 3;
  data.add_bos_token = true;
  data.add_space_prefix = false;
  const TokenizerPtr tokenizer = make(std::move(data));
  expect_recorded(tokenizer, read_data("real/gemma3.json"), position);
  EXPECT_TRUE(tokenizer->is_end(*tokenizer->token_id("<end_of_turn>")));
}

}  // namespace
}  // namespace trireme::runtime::test
