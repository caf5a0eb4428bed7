#include "runtime/files/model_file.h"

#include <gmock/gmock.h>

#include "gguf_bytes.h"
#include "safetensors_bytes.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

std::string test_model(const std::string& name) { return std::string(TRIREME_TEST_DATA) + "/models/" + name; }

std::string refusal(const std::string& path) {
  const auto model = ModelFile::open(path);
  if (model) return "accepted";
  EXPECT_EQ(model.error().message().find('\n'), std::string::npos);
  return model.error().message();
}

TEST(ModelFile, OpensFoldersAndGgufFilesAlike) {
  for (const char* name : {"llama", "qwen3", "gemma3"}) {
    const auto folder = ModelFile::open(test_model(name));
    const auto gguf = ModelFile::open(test_model(name) + "/model.gguf");
    ASSERT_TRUE(folder) << folder.error().message();
    ASSERT_TRUE(gguf) << gguf.error().message();
    EXPECT_EQ(folder->kind(), ModelKind::kHuggingFace);
    EXPECT_EQ(gguf->kind(), ModelKind::kGguf);
    EXPECT_EQ(folder->gguf_metadata(), nullptr);
    EXPECT_EQ(*gguf->gguf_metadata()->text("general.architecture"), name);
    EXPECT_EQ(folder->tensors().size(), gguf->tensors().size());
    const HostTensor* in_folder = folder->find("model.embed_tokens.weight");
    const HostTensor* in_gguf = gguf->find("token_embd.weight");
    ASSERT_TRUE(in_folder && in_gguf);
    EXPECT_EQ(in_folder->desc, in_gguf->desc);
    EXPECT_TRUE(std::ranges::equal(in_folder->data, in_gguf->data));
    EXPECT_EQ(folder->find("token_embd.weight"), nullptr);
    EXPECT_THAT(gguf->metadata().get_int(std::string(name) + ".embedding_length"),
                folder->metadata().get_int("hidden_size"));
    EXPECT_THAT(folder->metadata().get_int("hidden_size"), Optional(96));
  }
}

TEST(ModelFile, CountsTheBytesOfItsTensors) {
  for (const char* path : {"llama", "llama/model.gguf", "llama_tied_yarn", "qwen2", "qwen3", "gemma3"}) {
    const auto model = ModelFile::open(test_model(path));
    ASSERT_TRUE(model) << model.error().message();
    uint64_t bytes = 0;
    for (const HostTensor& tensor : model->tensors()) {
      EXPECT_EQ(tensor.data.size(), size_t(tensor.desc.bytes()));
      EXPECT_EQ(model->find(tensor.name), &tensor);
      bytes += tensor.data.size();
    }
    EXPECT_GT(bytes, 0u);
    EXPECT_EQ(model->tensor_bytes(), bytes);
  }
}

TEST(ModelFile, MayBeMoved) {
  auto opened = ModelFile::open(test_model("llama/model.gguf"));
  ASSERT_TRUE(opened);
  const graph::Metadata& metadata = opened->metadata();
  const ModelFile model = std::move(*opened);
  EXPECT_THAT(metadata.get_string("general.architecture"), Optional(std::string("llama")));
  EXPECT_THAT(model.metadata().get_int("llama.block_count"), Optional(3));
}

TEST(ModelFile, DroppedPagesAreReadAgain) {
  const auto model = ModelFile::open(test_model("llama"));
  ASSERT_TRUE(model);
  const HostTensor& tensor = *model->find("lm_head.weight");
  const std::string before = as_string(tensor.data);
  model->drop_pages(tensor.data);
  EXPECT_EQ(as_string(tensor.data), before);
}

TEST(ModelFile, GivesTheTextOfTheFolderesFiles) {
  const auto model = ModelFile::open(test_model("llama"));
  ASSERT_TRUE(model);
  EXPECT_THAT(**model->companion("tokenizer.json"), HasSubstr("\"model\""));
  EXPECT_EQ(*model->companion("chat_template.jinja"), std::nullopt);
  const auto gguf = ModelFile::open(test_model("llama/model.gguf"));
  ASSERT_TRUE(gguf);
  EXPECT_EQ(*gguf->companion("tokenizer.json"), std::nullopt);
}

TEST(ModelFile, AlignsTensorsThatLieAskew) {
  const ScratchFolder folder;
  folder.write("config.json", "{}");
  folder.write("model.safetensors", safetensors_bytes(R"({"a": {"dtype": "I8", "shape": [3], "data_offsets": [0, 3]},
                                     "b": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11]}})",
                                                      "abc12345678"));
  auto opened = ModelFile::open(folder / "");
  ASSERT_TRUE(opened) << opened.error().message();
  const ModelFile model = std::move(*opened);
  const HostTensor& tensor = *model.find("b");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data.data()) % 4, 0u);
  EXPECT_EQ(as_string(tensor.data), "12345678");
  model.drop_pages(tensor.data);
  EXPECT_EQ(as_string(tensor.data), "12345678");
}

TEST(ModelFile, ListsWhatItCannotComputeWith) {
  const ScratchFolder folder;
  folder.write("config.json", "{}");
  folder.write("model.safetensors",
               safetensors_bytes(R"({"ids": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}})", "12345678"));
  const auto model = ModelFile::open(folder / "");
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_TRUE(model->tensors().empty());
  ASSERT_EQ(model->unusable_tensors().size(), 1u);
  EXPECT_EQ(model->unusable_tensors()[0].name, "ids");
  EXPECT_EQ(model->unusable_tensors()[0].type, "I64");

  const std::string gguf =
      folder.write("m.gguf", GgufBytes().header(1, 0).tensor("t", {8}, 7777, 0).pad().data(8).take());
  EXPECT_THAT(refusal(gguf), HasSubstr("tensor \"t\" is stored in the unknown format with type id 7777"));
  const auto inspected = ModelFile::open(gguf, {.inspect = true});
  ASSERT_TRUE(inspected) << inspected.error().message();
  EXPECT_EQ(inspected->unusable_tensors()[0].type, "type id 7777");
}

TEST(ModelFile, SaysWhatIsMissing) {
  const ScratchFolder folder;
  EXPECT_THAT(refusal(folder / "none.gguf"), HasSubstr("no such file"));
  EXPECT_THAT(refusal(folder / ""), HasSubstr("it holds no config.json"));
  folder.write("config.json", "{}");
  EXPECT_THAT(refusal(folder / ""), HasSubstr("it holds no model.safetensors"));
  folder.write("model.safetensors", "short");
  EXPECT_THAT(refusal(folder / ""), HasSubstr("model.safetensors: the file ends inside"));
  folder.write("config.json", "{\"a\": 1, \"a\": 2}");
  EXPECT_THAT(refusal(folder / ""), HasSubstr("config.json: the key \"a\" occurs twice"));
  folder.write("config.json", "");
  EXPECT_THAT(refusal(folder / ""), HasSubstr("config.json: the file is empty"));
  EXPECT_THAT(refusal(folder.write("m.txt", "hello")), HasSubstr("not a GGUF file"));
}

}  // namespace
}  // namespace trireme::runtime
