// The official libraries' results, recorded by the scripts in tests/data/tokenizer, are met exactly.
#include <gmock/gmock.h>

#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

class Recorded : public testing::TestWithParam<std::string> {
 protected:
  const json recorded = read_data("vectors/" + GetParam() + ".json");
};

TEST_P(Recorded, GivesTheOfficialIdsAndTexts) {
  const TokenizerPtr tokenizer = parse(recorded["tokenizer"]);
  for (const json& vector : recorded["vectors"]) {
    const std::string text = vector["text"];
    SCOPED_TRACE(vector["text"].dump());
    const Ids ids = vector["ids"];
    EXPECT_EQ(encode(*tokenizer, text), ids);
    EXPECT_EQ(encode(*tokenizer, text, {.add_bos = true, .add_eos = true}), vector.value("around", ids));
    EXPECT_EQ(encode(*tokenizer, text, {.parse_special = false}), vector.value("plain", ids));
    if (vector.contains("decoded")) {
      EXPECT_EQ(tokenizer->decode(ids), vector["decoded"].get<std::string>());
      EXPECT_EQ(stream(tokenizer, ids), vector["decoded"].get<std::string>());
    }
  }
}

TEST_P(Recorded, DecodesAnyIdsAsTheOfficialLibrary) {
  const TokenizerPtr tokenizer = parse(recorded["tokenizer"]);
  for (const json& vector : recorded["decodes"]) {
    const Ids ids = vector["ids"];
    SCOPED_TRACE(vector["ids"].dump());
    EXPECT_EQ(tokenizer->decode(ids), vector["text"].get<std::string>());
    EXPECT_EQ(tokenizer->decode(ids, true), vector["skipped"].get<std::string>());
    EXPECT_EQ(stream(tokenizer, ids), vector["text"].get<std::string>());
    EXPECT_EQ(stream(tokenizer, ids, true), vector["skipped"].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Recorded, testing::ValuesIn(data_names("vectors")),
                         [](const auto& name) { return name.param; });

// The recordings of tokenizers that a GGUF file names by their pre-tokenizer.
std::vector<std::string> named_pre_tokenizers() {
  std::vector<std::string> names = data_names("vectors");
  std::erase_if(names, [](const std::string& name) { return !read_data("vectors/" + name + ".json").contains("pre"); });
  return names;
}

class Named : public Recorded {};

TEST_P(Named, GgufMetadataGiveTheSameIds) {
  const TokenizerPtr tokenizer = make(as_gguf(recorded["tokenizer"], recorded["pre"]));
  for (const json& vector : recorded["vectors"]) {
    SCOPED_TRACE(vector["text"].dump());
    const Ids ids = vector["ids"];
    EXPECT_EQ(encode(*tokenizer, vector["text"].get<std::string>()), ids);
    EXPECT_EQ(encode(*tokenizer, vector["text"].get<std::string>(), {.parse_special = false}),
              vector.value("plain", ids));
    EXPECT_EQ(tokenizer->decode(ids), vector["decoded"].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(PreTokenizers, Named, testing::ValuesIn(named_pre_tokenizers()),
                         [](const auto& name) { return name.param; });

class Scored : public testing::TestWithParam<std::string> {};

TEST_P(Scored, GivesTheIdsOfSentencePiece) {
  const json recorded = read_data("scores/" + GetParam() + ".json");
  TokenizerData data;
  data.model = "llama";
  data.tokens = recorded["tokens"];
  data.scores = recorded["scores"].get<std::vector<float>>();
  data.token_types = recorded["types"].get<std::vector<int32_t>>();
  data.add_space_prefix = false;
  data.unknown_token_id = 0;
  const TokenizerPtr tokenizer = make(std::move(data));
  for (const json& vector : recorded["vectors"]) {
    SCOPED_TRACE(vector["text"].dump());
    const Ids ids = vector["ids"];
    EXPECT_EQ(encode(*tokenizer, vector["text"].get<std::string>()), ids);
    EXPECT_EQ(stream(tokenizer, ids), tokenizer->decode(ids));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Scored, testing::ValuesIn(data_names("scores")),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace trireme::runtime::test
