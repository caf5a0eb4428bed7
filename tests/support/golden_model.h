// A tiny model with what the official implementation computed from it.
#pragma once

#include <string>
#include <vector>

namespace trireme::testing_support {

struct GoldenModel {
  std::string name;
  std::string folder;  // tests/data/models/NAME
  std::vector<int32_t> input_ids;
  std::vector<float> logits;        // [input_ids, vocab]
  std::vector<int32_t> greedy_ids;  // what follows input_ids
  std::vector<float> margins;       // between the best two logits, at each greedy id
};

// Ends the test program when the data is missing.
GoldenModel load_golden_model(const std::string& name);

}  // namespace trireme::testing_support
