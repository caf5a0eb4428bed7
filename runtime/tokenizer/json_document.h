// JsonDocument: a tokenizer.json, with its vocabulary and merges apart: they are most of the file, and a tree of values
// would take ten times their size.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

struct JsonDocument {
  nlohmann::json rest;  // without model.vocab and model.merges
  bool has_vocab = false;
  bool has_merges = false;
  std::vector<std::pair<std::string, int64_t>> vocab;
  std::vector<std::pair<std::string, std::string>> merges;
};

// A vocabulary that is no object of ids and merges that are no list, as other models have them, are skipped.
// Errors: kCorruptData for broken JSON, nesting deeper than 64, an id that is not a whole number, a merge that is
// neither "left right" nor ["left", "right"].
Result<JsonDocument> parse_json_document(std::string_view text);

}  // namespace trireme::runtime
