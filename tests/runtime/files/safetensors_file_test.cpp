#include <gmock/gmock.h>

#include "runtime/files/safetensors_reader.h"
#include "safetensors_bytes.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

std::string one_tensor(const std::string& name, char value) {
  return safetensors_bytes("{\"" + name + R"(": {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]}})",
                           std::string(4, value));
}

std::string open_index(const ScratchFolder& folder, const std::string& index) {
  const auto file = SafetensorsFile::open(folder.write("model.safetensors.index.json", index));
  return file ? "accepted" : file.error().message();
}

TEST(SafetensorsFile, JoinsTheShardsOfAnIndex) {
  const ScratchFolder folder;
  folder.write("one.safetensors", one_tensor("a", 'A'));
  folder.write("two.safetensors", one_tensor("b", 'B'));
  const auto file = SafetensorsFile::open(folder.write(
      "index.json",
      R"({"metadata": {"total_size": 8}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->parts().size(), 2u);
  EXPECT_EQ(as_string(file->find("a")->data), "AAAA");
  EXPECT_EQ(as_string(file->find("b")->data), "BBBB");
  EXPECT_EQ(file->find("b")->part, 1);
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(SafetensorsFile, RefusesAnIndexThatDoesNotFitItsShards) {
  const ScratchFolder folder;
  folder.write("one.safetensors", one_tensor("a", 'A'));
  folder.write("two.safetensors", one_tensor("b", 'B'));
  folder.write("again.safetensors", one_tensor("a", 'A'));
  EXPECT_THAT(open_index(folder, R"({"weight_map": {"a": "one.safetensors", "c": "two.safetensors"}})"),
              HasSubstr("tensor \"c\" is not in two.safetensors"));
  EXPECT_THAT(open_index(folder, R"({"weight_map": {"a": "two.safetensors", "b": "one.safetensors"}})"),
              HasSubstr("tensor \"a\" is not in two.safetensors"));
  EXPECT_THAT(open_index(folder, R"({"weight_map": {"a": "one.safetensors", "b": "again.safetensors"}})"),
              HasSubstr("tensor \"a\" is also in another file"));
  EXPECT_THAT(open_index(folder, R"({"weight_map": {"a": "missing.safetensors"}})"), HasSubstr("no such file"));
  EXPECT_THAT(open_index(folder, R"({"weight": {}})"), HasSubstr("no \"weight_map\""));
  EXPECT_THAT(open_index(folder, R"({"weight_map": {"a": "one.safetensors", "a": "one.safetensors"}})"),
              HasSubstr("twice"));
}

TEST(SafetensorsFile, AnIndexCannotReachOutsideItsFolder) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "model");
  folder.write("outside.safetensors", one_tensor("a", 'A'));
  for (const char* shard : {"../outside.safetensors", "/etc/passwd", "..", ".", "", "a\\u0000b"}) {
    const auto file = SafetensorsFile::open(
        folder.write("model/model.safetensors.index.json", R"({"weight_map": {"a": ")" + std::string(shard) + "\"}}"));
    ASSERT_FALSE(file) << shard;
    EXPECT_THAT(file.error().message(), HasSubstr("tensor \"a\" is not assigned to a file of the same folder"));
  }
}

TEST(SafetensorsFile, OpensTheModelsOfTheTests) {
  for (const char* name : {"llama", "llama_tied_yarn", "qwen2", "qwen3", "gemma3"}) {
    const std::string folder = std::string(TRIREME_TEST_DATA) + "/models/" + name;
    const auto file = SafetensorsFile::open(folder + "/model.safetensors");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_NE(file->find("model.embed_tokens.weight"), nullptr);
    const auto reference = SafetensorsFile::open(folder + "/reference.safetensors");
    ASSERT_TRUE(reference) << reference.error().message();
    EXPECT_EQ(reference->find("greedy_ids")->dtype, "I64");
    EXPECT_EQ(reference->find("greedy_ids")->shape, (Shape{32}));
    EXPECT_EQ(reference->find("logits")->shape.rank(), 2);
  }
}

}  // namespace
}  // namespace trireme::runtime
