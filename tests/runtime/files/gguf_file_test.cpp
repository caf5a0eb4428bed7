#include <gmock/gmock.h>

#include "gguf_bytes.h"
#include "runtime/files/gguf_reader.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

struct Part {
  uint16_t number;
  uint16_t count;
  int32_t tensors;
  std::string tensor;
};

std::string part_bytes(const Part& part) {
  return GgufBytes()
      .header(1, 4)
      .pair<uint16_t>("split.no", 2, part.number)
      .pair<uint16_t>("split.count", 2, part.count)
      .pair<int32_t>("split.tensors.count", 5, part.tensors)
      .pair<uint32_t>("part", 4, part.number)
      .tensor(part.tensor, {8}, 0, 0)
      .pad()
      .data(32, static_cast<char>('0' + part.number))
      .take();
}

TEST(GgufFile, OpensASplitModelByAnyOfItsFiles) {
  const ScratchFolder folder;
  folder.write("m-00001-of-00003.gguf", part_bytes({0, 3, 3, "a"}));
  folder.write("m-00002-of-00003.gguf", part_bytes({1, 3, 3, "b"}));
  folder.write("m-00003-of-00003.gguf", part_bytes({2, 3, 3, "c"}));
  for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}) {
    const auto file = GgufFile::open(folder / name);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->parts().size(), 3u);
    EXPECT_EQ(file->metadata().integer("part"), 0);
    ASSERT_EQ(file->tensors().size(), 3u);
    EXPECT_EQ(as_string(file->find("a")->data), std::string(32, '0'));
    EXPECT_EQ(as_string(file->find("c")->data), std::string(32, '2'));
    EXPECT_EQ(file->find("c")->part, 2);
    EXPECT_EQ(file->find("d"), nullptr);
  }
}

TEST(GgufFile, RefusesSplitModelsThatDoNotFitTogether) {
  const auto refusal = [](const Part& second) {
    const ScratchFolder folder;
    folder.write("m-00001-of-00002.gguf", part_bytes({0, 2, 2, "a"}));
    folder.write("m-00002-of-00002.gguf", part_bytes(second));
    const auto file = GgufFile::open(folder / "m-00001-of-00002.gguf");
    return file ? "accepted" : file.error().message();
  };
  EXPECT_EQ(refusal({1, 2, 2, "b"}), "accepted");
  EXPECT_THAT(refusal({0, 2, 2, "b"}), HasSubstr("\"split.no\""));
  EXPECT_THAT(refusal({1, 3, 2, "b"}), HasSubstr("\"split.count\""));
  EXPECT_THAT(refusal({1, 2, 2, "a"}), HasSubstr("tensor \"a\" is also in another file"));
}

TEST(GgufFile, RefusesSplitModelsThatAreNotComplete) {
  const ScratchFolder folder;
  const auto refusal = [&](const std::string& name, const Part& part) {
    const auto file = GgufFile::open(folder.write(name, part_bytes(part)));
    return file ? "accepted" : file.error().message();
  };
  EXPECT_THAT(refusal("m-00001-of-00002.gguf", {0, 2, 2, "a"}), HasSubstr("m-00002-of-00002.gguf: no such file"));
  EXPECT_THAT(refusal("m.gguf", {0, 2, 2, "a"}), HasSubstr("one of 2 files, but its name does not say so"));
  EXPECT_THAT(refusal("m-00001-of-00004.gguf", {0, 2, 2, "a"}), HasSubstr("its name does not say so"));
  folder.write("n-00002-of-00002.gguf", part_bytes({1, 2, 5, "b"}));
  EXPECT_THAT(refusal("n-00001-of-00002.gguf", {0, 2, 5, "a"}), HasSubstr("promises 5 tensors, the files hold 2"));
  EXPECT_EQ(refusal("o-00001-of-00001.gguf", {0, 1, 1, "a"}), "accepted");
}

TEST(GgufFile, OpensTheModelsOfTheTests) {
  for (const char* name : {"llama", "qwen3", "gemma3"}) {
    const auto file = GgufFile::open(std::string(TRIREME_TEST_DATA) + "/models/" + name + "/model.gguf");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(*file->metadata().text("general.architecture"), name);
    EXPECT_EQ(file->metadata().texts("tokenizer.ggml.tokens")->size(), 320u);
    EXPECT_EQ(file->find("token_embd.weight")->shape, (Shape{320, 96}));
    const GgufTensor& last = *std::ranges::max_element(file->tensors(), {}, &GgufTensor::offset);
    EXPECT_EQ((last.offset + last.data.size() + 31) / 32 * 32, file->parts()[0].bytes().size());
  }
}

}  // namespace
}  // namespace trireme::runtime
