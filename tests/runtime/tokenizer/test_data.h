// What the tests of the tokenizers share: recorded files and comparisons with them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/tokenizer/streaming_decoder.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/tokenizer_data.h"
#include "runtime/tokenizer/tokenizer_json.h"

namespace trireme::runtime::test {

using nlohmann::json;
using Ids = std::vector<int32_t>;
using TokenizerPtr = std::shared_ptr<const Tokenizer>;

inline std::string read_text(const std::string& name) {
  std::ifstream file(std::string(TRIREME_TEST_DATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline json read_data(const std::string& name) { return json::parse(read_text("tokenizer/" + name)); }

inline std::vector<std::string> data_names(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(TRIREME_TEST_DATA) + "/tokenizer/" + folder)) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline TokenizerPtr parse(const json& tokenizer) {
  const std::string text = tokenizer.dump();
  auto parsed = parse_tokenizer_json({text, {}, {}, {}});
  if (!parsed) throw std::runtime_error(parsed.error().message());
  return *parsed;
}

inline TokenizerPtr make(TokenizerData data) {
  auto made = make_tokenizer(std::move(data));
  if (!made) throw std::runtime_error(made.error().message());
  return *made;
}

inline std::string refusal(const json& tokenizer) {
  const std::string text = tokenizer.dump();
  const auto parsed = parse_tokenizer_json({text, {}, {}, {}});
  return parsed ? "accepted" : std::string(error_code_name(parsed.error().code())) + ": " + parsed.error().message();
}

inline Ids encode(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options = {}) {
  auto ids = tokenizer.encode(text, options);
  if (!ids) throw std::runtime_error(ids.error().message());
  return *ids;
}

inline std::string stream(const TokenizerPtr& tokenizer, const Ids& ids, bool skip_special = false) {
  StreamingDecoder decoder(tokenizer, skip_special);
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

// What a GGUF file would say of a byte-level tokenizer.json.
inline TokenizerData as_gguf(const json& tokenizer, const std::string& pre) {
  TokenizerData data;
  data.model = "gpt2";
  data.pre = pre;
  const auto add = [&](const std::string& token, size_t id, TokenType type) {
    if (data.tokens.size() <= id) data.tokens.resize(id + 1), data.token_types.resize(id + 1, 1);
    data.tokens[id] = token;
    data.token_types[id] = static_cast<int32_t>(type);
  };
  for (const auto& [token, id] : tokenizer["model"]["vocab"].items()) add(token, id, TokenType::kNormal);
  for (const json& token : tokenizer["added_tokens"]) {
    add(token["content"], token["id"], token["special"] ? TokenType::kControl : TokenType::kUserDefined);
  }
  for (const json& merge : tokenizer["model"]["merges"]) {
    data.merges.push_back(merge.is_string() ? merge.get<std::string>()
                                            : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return data;
}

}  // namespace trireme::runtime::test
