// A model's tokenizer is found in its GGUF metadata or in its folder.
#include "runtime/tokenizer/load_tokenizer.h"

#include <gtest/gtest.h>

#include "runtime/files/gguf_writer.h"
#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

TokenizerPtr load(const std::string& path) {
  const auto file = ModelFile::open(path);
  if (!file) throw std::runtime_error(file.error().message());
  const auto tokenizer = load_tokenizer(*file);
  if (!tokenizer) throw std::runtime_error(tokenizer.error().message());
  return *tokenizer;
}

TEST(LoadTokenizer, FolderAndGgufOfOneModelAgree) {
  const std::string model = std::string(TRIREME_TEST_DATA) + "/models/llama";
  const TokenizerPtr folder = load(model);
  const TokenizerPtr gguf = load(model + "/model.gguf");
  ASSERT_EQ(folder->vocab_size(), 320);
  ASSERT_EQ(gguf->vocab_size(), 320);
  const json vectors = read_data("vectors/gpt2.json");
  for (const json& vector : vectors["vectors"]) {
    const std::string text = vector["text"];
    EXPECT_EQ(encode(*folder, text), encode(*gguf, text)) << vector["text"];
  }
  EXPECT_EQ(folder->bos(), 1);
  EXPECT_EQ(folder->eos(), 2);
  EXPECT_EQ(folder->pad(), 0);
  EXPECT_EQ(gguf->bos(), 1);
  EXPECT_EQ(gguf->eos(), 2);
  EXPECT_EQ(gguf->pad(), 0);
  EXPECT_TRUE(folder->is_end(2));
  EXPECT_TRUE(gguf->is_end(2));
  EXPECT_FALSE(folder->is_end(1));
}

// Writes a GGUF file without tensors and loads its tokenizer.
std::string refusal_of(const GgufMetadata& metadata) {
  const std::string path = testing::TempDir() + "/tokenizer.gguf";
  auto writer = GgufWriter::create(path, metadata, {});
  if (!writer || !writer->finish()) return "not written";
  const auto file = ModelFile::open(path);
  if (!file) return file.error().message();
  const auto tokenizer = load_tokenizer(*file);
  return tokenizer ? "loaded" : tokenizer.error().message();
}

TEST(LoadTokenizer, NamesTheKeyThatIsMissingOrWrong) {
  GgufMetadata metadata;
  ASSERT_TRUE(metadata.add("general.architecture", std::string("llama")));
  EXPECT_NE(refusal_of(metadata).find("tokenizer.ggml.model: the file has no tokenizer"), std::string::npos);
  ASSERT_TRUE(metadata.add("tokenizer.ggml.model", std::string("gpt2")));
  EXPECT_NE(refusal_of(metadata).find("tokenizer.ggml.tokens: it is missing"), std::string::npos);
  ASSERT_TRUE(metadata.add("tokenizer.ggml.tokens", uint32_t{7}));
  EXPECT_NE(refusal_of(metadata).find("tokenizer.ggml.tokens: its value is of another type"), std::string::npos);
  metadata.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"});
  metadata.set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  EXPECT_EQ(refusal_of(metadata), "loaded");
  metadata.set("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1});
  EXPECT_NE(refusal_of(metadata).find("tokenizer.ggml.token_type: it has 2 entries for 3 tokens"), std::string::npos);
}

}  // namespace
}  // namespace trireme::runtime::test
