// The published models' own files, where the build was told of a folder that has them.
#include <gtest/gtest.h>

#include "runtime/tokenizer/load_tokenizer.h"
#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

struct Model {
  const char* file;
  const char* recorded;
};

class PublishedFile : public testing::TestWithParam<Model> {};

TEST_P(PublishedFile, GivesTheRecordedIds) {
  const auto file = ModelFile::open(std::string(TRIREME_PUBLISHED_MODELS) + "/" + GetParam().file);
  ASSERT_TRUE(file) << file.error().message();
  const auto loaded = load_tokenizer(*file);
  ASSERT_TRUE(loaded) << loaded.error().message();
  const Tokenizer& tokenizer = **loaded;
  const json recorded = read_data(GetParam().recorded);
  for (const json& vector : recorded["vectors"]) {
    SCOPED_TRACE(vector["text"].dump());
    EXPECT_EQ(encode(tokenizer, vector["text"].get<std::string>()), vector["ids"].get<Ids>());
    EXPECT_EQ(tokenizer.decode(vector["ids"].get<Ids>()), vector["decoded"]);
  }
  for (const json& vector : recorded["with_bos"]) {
    EXPECT_EQ(encode(tokenizer, vector["text"].get<std::string>(), {.add_bos = true}), vector["ids"].get<Ids>());
  }
}

INSTANTIATE_TEST_SUITE_P(Models, PublishedFile,
                         testing::Values(Model{"SmolLM2-135M-Instruct.Q4_1.gguf", "real/smollm2.json"},
                                         Model{"gemma-3-270m-q4_k_m.gguf", "real/gemma3.json"}),
                         [](const auto& model) { return model.index == 0 ? "SmolLm2" : "Gemma3"; });

}  // namespace
}  // namespace trireme::runtime::test
