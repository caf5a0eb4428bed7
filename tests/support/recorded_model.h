// A published model with what the official implementation computed from its dequantised weights.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace trireme::testing_support {

struct RecordedPrompt {
  std::string text;
  std::vector<int32_t> ids;         // with the beginning-of-text token where the model asks for it
  std::vector<float> logits;        // [vocab], at the last of the ids
  std::vector<int32_t> greedy_ids;  // what follows
  std::vector<float> margins;       // between the best two logits, at each greedy id
  std::string greedy_text;
};

struct RecordedModel {
  std::string path;  // of the GGUF file
  std::vector<RecordedPrompt> prompts;
  std::string passage;
  std::vector<int32_t> passage_ids;
  double passage_nll = 0;  // mean, in nats, of every token but the first
  nlohmann::ordered_json content;
};

// Reads tests/data/real/NAME.json and .safetensors. `folder` holds the model itself, NAME.gguf.
// Ends the test program when one of them is missing: a required model is no reason to skip.
RecordedModel load_recorded_model(const std::string& folder, const std::string& name);

}  // namespace trireme::testing_support
