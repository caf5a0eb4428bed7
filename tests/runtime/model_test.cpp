// What is wrong with a model's weights or sizes is said when it is opened or loaded, never computed with.
#include "runtime/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "runtime/convert/quantize.h"
#include "runtime/session.h"
#include "tests/runtime/files/gguf_bytes.h"
#include "tests/runtime/files/safetensors_bytes.h"
#include "tests/runtime/files/scratch_folder.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

const std::string kLlama = std::string(TRIREME_TEST_DATA) + "/models/llama";

Status load(const std::string& path) {
  TRIREME_ASSIGN(const auto model, Model::open(path));
  SessionOptions options;
  options.context = 32;
  options.max_rows = 1;
  const auto device = testing_support::open_device("reference:0");
  const auto layers = int(model->hyperparameters().layers);
  TRIREME_ASSIGN(const auto session, Session::create(model, compiler::Placement::on(device, layers), options));
  return session->warm_up();
}

TEST(Model, AScaleThatIsNotFiniteIsAnErrorThatNamesItsTensor) {
  const ScratchFolder folder;
  QuantizeOptions options;
  options.rules.type = *find_target_format("Q8_0");
  ASSERT_TRUE(quantize(kLlama + "/model.gguf", folder / "m.gguf", options));
  ASSERT_TRUE(load(folder / "m.gguf"));
  std::string bytes = read_whole(folder / "m.gguf");
  const auto contents = parse_gguf(as_bytes(bytes), "m.gguf");
  ASSERT_TRUE(contents);
  const auto found = std::ranges::find(contents->tensors, std::string("blk.1.ffn_down.weight"), &GgufTensor::name);
  ASSERT_NE(found, contents->tensors.end());
  ASSERT_EQ(found->format->name, std::string("Q8_0"));
  const size_t scale = found->offset;
  bytes[scale] = 0, bytes[scale + 1] = 0x7c;  // f16 infinity
  const Status loaded = load(folder.write("bad.gguf", bytes));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(),
              HasSubstr("tensor \"blk.1.ffn_down.weight\": one of its scales is not a finite number"));
}

// 1 KB that claims a model of any size is refused before memory is asked for.
TEST(Model, HugeClaimsAreRefusedQuicklyAndInLittleMemory) {
  const ScratchFolder folder;
  const auto refusal = [](const std::string& path) {
    const auto model = Model::open(path);
    if (model) return std::string("accepted");
    EXPECT_EQ(model.error().message().find('\n'), std::string::npos);
    return model.error().message();
  };
  const auto config = [&](const std::string& change) {
    std::string text = read_whole(kLlama + "/config.json");
    text.insert(text.find('{') + 1, change);
    folder.write("config.json", text);
    return refusal(folder / "");
  };
  const auto replaced = [&](const std::string& key, const std::string& value) {
    std::string text = read_whole(kLlama + "/config.json");
    const size_t begin = text.find("\"" + key + "\":") + key.size() + 3;
    text.replace(begin, text.find_first_of(",\n}", begin) - begin, value);
    folder.write("config.json", text);
    return refusal(folder / "");
  };
  std::filesystem::copy(kLlama + "/model.safetensors", folder / "model.safetensors");
  rusage before = {};
  ::getrusage(RUSAGE_SELF, &before);

  constexpr const char* kHuge = "1099511627776";  // 2^40
  for (const char* key : {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
                          "intermediate_size", "max_position_embeddings", "vocab_size"}) {
    EXPECT_THAT(replaced(key, kHuge), HasSubstr(key));
    EXPECT_THAT(replaced(key, "1e300"), HasSubstr(key));
  }
  EXPECT_THAT(config("\"vocab_size\": 320, "), HasSubstr("\"vocab_size\" occurs twice"));
  EXPECT_THAT(config("\"a\": " + std::string(1000, '[') + std::string(1000, ']') + ", "), HasSubstr("nested deeper"));
  folder.write("config.json", read_whole(kLlama + "/config.json"));
  folder.write(
      "model.safetensors",
      safetensors_bytes(R"({"t": {"dtype": "F32", "shape": [1152921504606846976], "data_offsets": [0, 1000]}})",
                        std::string(1000, '\0')));
  EXPECT_THAT(refusal(folder / ""), HasSubstr("tensor \"t\" has more elements than can be counted"));

  rusage after = {};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 << 10);
}

}  // namespace
}  // namespace trireme::runtime
