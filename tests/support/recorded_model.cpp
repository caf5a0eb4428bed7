#include "tests/support/recorded_model.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/files/safetensors_reader.h"

namespace trireme::testing_support {
namespace {

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::abort();
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) stop(path + ": it cannot be read; the reference data is incomplete");
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<float> read_logits(const runtime::SafetensorsFile& file, const std::string& name) {
  const runtime::SafetensorsTensor* tensor = file.find(name);
  if (!tensor || tensor->dtype != "F32") stop("the reference data has no f32 tensor " + name);
  std::vector<float> values(tensor->data.size() / sizeof(float));
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

RecordedPrompt read_prompt(const nlohmann::ordered_json& content, std::vector<float> logits) {
  return {content.at("text"),       content.at("ids"),     std::move(logits),
          content.at("greedy_ids"), content.at("margins"), content.at("greedy_text")};
}

}  // namespace

RecordedModel load_recorded_model(const std::string& folder, const std::string& name) {
  const std::string data = std::string(TRIREME_TEST_DATA) + "/real/";
  RecordedModel model;
  model.path = folder + "/" + name + ".gguf";
  if (!std::filesystem::exists(model.path))
    stop(model.path + ": the model is missing; let tools/check bring it, or configure with -DTRIREME_MODEL_FOLDER=");
  model.content = nlohmann::ordered_json::parse(read_file(data + name + ".json"));
  const auto logits = runtime::SafetensorsFile::open(data + name + ".safetensors");
  if (!logits) stop(logits.error().message());
  for (const auto& prompt : model.content.at("prompts"))
    model.prompts.push_back(
        read_prompt(prompt, read_logits(*logits, "logits_" + std::to_string(model.prompts.size()))));
  const auto& passage = model.content.at("passage");
  model.passage = read_file(data + passage.at("text_file").get<std::string>());
  model.passage_ids = passage.at("ids").get<std::vector<int32_t>>();
  model.passage_nll = passage.at("mean_nll");
  return model;
}

}  // namespace trireme::testing_support
