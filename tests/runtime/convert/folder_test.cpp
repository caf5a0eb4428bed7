// A folder written as F32 GGUF is the same model: the same logits, the same ids for texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/convert/quantize.h"
#include "runtime/session.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "tests/runtime/convert/temporary_folder.h"
#include "tests/support/golden_model.h"
#include "tests/support/largest_difference.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing_support::load_golden_model;

void convert(const std::string& in, const std::string& out, QuantizeSummary* summary = nullptr) {
  QuantizeOptions options;
  options.rules.type = &formats::f32();
  options.threads = 2;
  const auto result = quantize(in, out, options);
  ASSERT_TRUE(result) << result.error().message();
  if (summary) *summary = *result;
}

std::vector<float> logits_of(const std::string& path, std::span<const int32_t> ids) {
  const auto model = Model::open(path);
  EXPECT_TRUE(model) << model.error().message();
  SessionOptions options;
  options.context = 64;
  options.max_outputs = 64;
  auto session = Session::create(
      *model,
      compiler::Placement::on(testing_support::open_device("reference:0"), int((*model)->hyperparameters().layers)),
      options);
  EXPECT_TRUE(session) << session.error().message();
  const SequenceId sequence = *(*session)->create_sequence();
  std::vector<StepRow> rows;
  for (const int32_t id : ids) rows.push_back({id, sequence, true});
  const auto result = (*session)->step(rows);
  EXPECT_TRUE(result) << result.error().message();
  return {result->values.begin(), result->values.end()};
}

// The largest difference over the largest logit.
double relative_difference(const std::vector<float>& left, const std::vector<float>& right) {
  EXPECT_EQ(left.size(), right.size());
  const double difference = testing_support::largest_difference(left, right);
  const double largest = testing_support::largest_size(left);
  EXPECT_GT(largest, 0);
  return difference / largest;
}

// A golden model's folder with another config.json.
void copy_with_config(const std::string& model, const TemporaryFolder& folder,
                      const std::function<void(nlohmann::json&)>& change) {
  const std::filesystem::path source = load_golden_model(model).folder;
  for (const char* name : {"model.safetensors", "tokenizer.json", "tokenizer_config.json"})
    std::filesystem::copy_file(source / name, folder.path() / name);
  nlohmann::json config = nlohmann::json::parse(read_all((source / "config.json").string()));
  change(config);
  std::ofstream(folder.path() / "config.json") << config;
}

class EveryFamily : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    golden_ = load_golden_model(GetParam());
    convert(golden_.folder, folder_.file("model.gguf"));
  }

  testing_support::GoldenModel golden_;
  TemporaryFolder folder_;
};

TEST_P(EveryFamily, HasTheLogitsOfItsFolder) {
  const std::vector<float> expected = logits_of(golden_.folder, golden_.input_ids);
  EXPECT_LE(relative_difference(expected, logits_of(folder_.file("model.gguf"), golden_.input_ids)), 1e-6);
}

TEST_P(EveryFamily, HasTheHyperparametersOfItsFolder) {
  const auto folder = Model::open(golden_.folder);
  const auto file = Model::open(folder_.file("model.gguf"));
  ASSERT_TRUE(folder && file);
  graph::Hyperparameters expected = (*folder)->hyperparameters();
  graph::Hyperparameters actual = (*file)->hyperparameters();
  EXPECT_EQ(actual.rope_style, actual.family == "llama" ? RopeStyle::kInterleaved : RopeStyle::kHalves);
  EXPECT_EQ(actual.norm_weight_offset, 0.0f);
  actual.rope_style = expected.rope_style;
  actual.norm_weight_offset = expected.norm_weight_offset;
  EXPECT_EQ(actual, expected);
}

TEST_P(EveryFamily, HasTheTokenizerOfItsFolder) {
  const auto folder = ModelFile::open(golden_.folder);
  const auto file = ModelFile::open(folder_.file("model.gguf"));
  ASSERT_TRUE(folder && file);
  const auto expected = load_tokenizer(*folder);
  const auto actual = load_tokenizer(*file);
  ASSERT_TRUE(expected && actual);
  for (const char* text : {"The capital of France is Paris.", "  two  blanks, don't\n\n\tit's 1234567",
                           "caf\xC3\xA9 \xE4\xBD\xA0\xE5\xA5\xBD", "<eos>special</s> <pad>inside", ""}) {
    for (const EncodeOptions options : {EncodeOptions{}, EncodeOptions{.add_bos = true, .add_eos = true}})
      EXPECT_EQ(*(*actual)->encode(text, options), *(*expected)->encode(text, options)) << text;
  }
  EXPECT_EQ((*actual)->bos(), (*expected)->bos());
  EXPECT_EQ((*actual)->eos(), (*expected)->eos());
  EXPECT_EQ((*actual)->pad(), (*expected)->pad());
  EXPECT_TRUE(std::ranges::equal((*actual)->end_ids(), (*expected)->end_ids()));
  for (int32_t id = 0; id < (*expected)->vocab_size(); ++id) {
    EXPECT_EQ((*actual)->token_text(id), (*expected)->token_text(id));
    EXPECT_EQ((*actual)->is_special(id), (*expected)->is_special(id)) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryFamily, testing::Values("llama", "llama_tied_yarn", "qwen2", "qwen3", "gemma3"),
                         [](const auto& one) { return std::string(one.param); });

TEST(FolderToGguf, Llama3ScalingBecomesFrequencyFactors) {
  TemporaryFolder folder;
  copy_with_config("llama", folder, [](nlohmann::json& config) {
    config["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 10000.0},
                                 {"factor", 8.0},           {"low_freq_factor", 1.0},
                                 {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 64}};
  });
  convert(folder.path().string(), folder.file("model.gguf"));
  const auto file = ModelFile::open(folder.file("model.gguf"));
  ASSERT_TRUE(file);
  EXPECT_NE(file->find("rope_freqs.weight"), nullptr);
  const auto golden = load_golden_model("llama");
  const std::vector<float> expected = logits_of(folder.path().string(), golden.input_ids);
  EXPECT_GT(relative_difference(expected, logits_of(golden.folder, golden.input_ids)), 1e-4)
      << "the scaling does something";
  EXPECT_LE(relative_difference(expected, logits_of(folder.file("model.gguf"), golden.input_ids)), 2e-6);
}

struct Change {
  const char* name;
  const char* model;
  void (*apply)(nlohmann::json& config);
};

class ChangedConfig : public testing::TestWithParam<Change> {};

TEST_P(ChangedConfig, ReachesTheGguf) {
  TemporaryFolder folder;
  copy_with_config(GetParam().model, folder, GetParam().apply);
  convert(folder.path().string(), folder.file("model.gguf"));
  const auto golden = load_golden_model(GetParam().model);
  const std::vector<float> expected = logits_of(folder.path().string(), golden.input_ids);
  EXPECT_GT(relative_difference(expected, logits_of(golden.folder, golden.input_ids)), 1e-5)
      << "the change does something";
  EXPECT_LE(relative_difference(expected, logits_of(folder.file("model.gguf"), golden.input_ids)), 1e-6);
}

constexpr Change kChanges[] = {
    {"mistral_window", "llama",
     [](nlohmann::json& c) {
       c["model_type"] = "mistral";
       c["architectures"] = {"MistralForCausalLM"};
       c["sliding_window"] = 5;
     }},
    {"llama_linear_rope", "llama",
     [](nlohmann::json& c) {
       c["rope_parameters"] = {{"rope_type", "linear"}, {"rope_theta", 5000.0}, {"factor", 4.0}};
     }},
    {"llama_yarn_attention_factor", "llama_tied_yarn",
     [](nlohmann::json& c) { c["rope_parameters"]["attention_factor"] = 1.5; }},
    {"qwen2_window", "qwen2",
     [](nlohmann::json& c) {
       c["use_sliding_window"] = true;
       c["sliding_window"] = 5;
       c["layer_types"] = {"full_attention", "sliding_attention", "sliding_attention"};
     }},
    {"qwen3_yarn", "qwen3",
     [](nlohmann::json& c) {
       c["rope_parameters"] = {
           {"rope_type", "yarn"}, {"rope_theta", 10000.0}, {"factor", 4.0}, {"original_max_position_embeddings", 32}};
     }},
    {"gemma3_other_pattern", "gemma3", [](nlohmann::json& c) { c["layer_types"][1] = "full_attention"; }},
    {"gemma3_softcap", "gemma3", [](nlohmann::json& c) { c["final_logit_softcapping"] = 3.0; }},
};

INSTANTIATE_TEST_SUITE_P(All, ChangedConfig, testing::ValuesIn(kChanges),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(FolderToGguf, KeepsTheChatTemplate) {
  TemporaryFolder folder;
  copy_with_config("llama", folder, [](nlohmann::json&) {});
  std::ofstream(folder.path() / "chat_template.jinja") << "{{ messages[0].content }}";
  convert(folder.path().string(), folder.file("model.gguf"));
  const auto file = ModelFile::open(folder.file("model.gguf"));
  ASSERT_TRUE(file);
  ASSERT_NE(file->gguf_metadata()->text("tokenizer.chat_template"), nullptr);
  EXPECT_EQ(*file->gguf_metadata()->text("tokenizer.chat_template"), "{{ messages[0].content }}");
}

struct Refusal {
  const char* name;
  const char* model;
  void (*apply)(nlohmann::json& config);
};

class UntellableConfig : public testing::TestWithParam<Refusal> {};

TEST_P(UntellableConfig, IsRefusedAndLeavesNoFile) {
  TemporaryFolder folder;
  copy_with_config(GetParam().model, folder, GetParam().apply);
  QuantizeOptions options;
  options.rules.type = &formats::f32();
  const auto result = quantize(folder.path().string(), folder.file("model.gguf"), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported) << result.error().message();
  EXPECT_FALSE(std::filesystem::exists(folder.file("model.gguf")));
}

constexpr Refusal kRefusals[] = {
    {"another_activation", "llama", [](nlohmann::json& c) { c["hidden_act"] = "gelu"; }},
    {"partial_rope_of_llama", "llama", [](nlohmann::json& c) { c["rope_parameters"]["partial_rotary_factor"] = 0.5; }},
    {"yarn_without_truncation", "llama_tied_yarn", [](nlohmann::json& c) { c["rope_parameters"]["truncate"] = false; }},
    {"llama3_scaling_of_qwen3", "qwen3",
     [](nlohmann::json& c) {
       c["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 10000.0},
                               {"factor", 8.0},           {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 64}};
     }},
    {"scaled_local_rope_of_gemma3", "gemma3",
     [](nlohmann::json& c) {
       c["rope_parameters"]["sliding_attention"] = {{"rope_type", "linear"}, {"rope_theta", 10000.0}, {"factor", 2.0}};
     }},
};

INSTANTIATE_TEST_SUITE_P(All, UntellableConfig, testing::ValuesIn(kRefusals),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(FolderToGguf, ATokenizerThatGgufCannotNameIsRefused) {
  TemporaryFolder folder;
  copy_with_config("llama", folder, [](nlohmann::json&) {});
  nlohmann::json tokenizer = nlohmann::json::parse(read_all(folder.file("tokenizer.json")));
  tokenizer["pre_tokenizer"]["add_prefix_space"] = true;
  std::ofstream(folder.path() / "tokenizer.json") << tokenizer;
  QuantizeOptions options;
  options.rules.type = &formats::f32();
  const auto result = quantize(folder.path().string(), folder.file("model.gguf"), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported) << result.error().message();
}

}  // namespace
}  // namespace trireme::runtime
