// Reads the stages of a tokenizer.json.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/decode_chain.h"
#include "runtime/tokenizer/normalizer.h"
#include "runtime/tokenizer/pre_tokenizer.h"

namespace trireme::runtime {

// Each appends the steps of one stage, a Sequence flattened. A null value is a stage that does nothing.
// Errors: kUnsupported for a type or field that this program does not know; kCorruptData.
Status read_normalizer(const nlohmann::json& value, std::vector<Normalizer>& steps);
Status read_pre_tokenizer(const nlohmann::json& value, std::vector<PreTokenizer>& steps);
Status read_decoder(const nlohmann::json& value, std::vector<Decoder>& steps);

// The tokens that a post-processor puts around a text.
struct Surroundings {
  std::vector<int64_t> first;
  std::vector<int64_t> last;
};
Result<Surroundings> read_post_processor(const nlohmann::json& value);

}  // namespace trireme::runtime
