// Broken and hostile tokenizers are refused with one line that names the part; unknown parts are never ignored.
#include <gmock/gmock.h>

#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

json small() {
  return json::parse(R"({
    "added_tokens": [{"id": 3, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
}

json with(const std::string& pointer, json value) {
  json tokenizer = small();
  tokenizer[json::json_pointer(pointer)] = std::move(value);
  return tokenizer;
}

TEST(TokenizerJson, TheSmallOneIsAccepted) {
  EXPECT_EQ(refusal(small()), "accepted");
  EXPECT_EQ(encode(*parse(small()), "abba<s>"), (Ids{2, 1, 0, 3}));
}

json repeated(const std::string& members, const json& step) {
  return {{"type", "Sequence"}, {members, std::vector<json>(65, step)}};
}

// A template that puts tokens before a text.
json around(const std::vector<int>& ids) {
  return {{"type", "TemplateProcessing"},
          {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
          {"special_tokens", {{"<s>", {{"ids", ids}}}}}};
}

struct Refused {
  std::string pointer;
  json value;
  std::string code;
  std::string text;
};

TEST(TokenizerJson, NamesWhatItRefuses) {
  const std::string unsupported = "unsupported";
  const std::string corrupt = "corrupt data";
  const std::vector<Refused> cases = {
      {"/model/type", "Unigram", unsupported, "\"Unigram\""},
      {"/model/dropout", 0.1, unsupported, "dropout"},
      {"/model/new_option", true, unsupported, "\"new_option\""},
      {"/model/vocab", json::array({"a"}), corrupt, "vocab"},
      {"/model/vocab/c", 2, corrupt, "its id 2 belongs to"},
      {"/model/vocab/c", -1, corrupt, "\"c\""},
      {"/model/vocab/c", 2000000000, corrupt, "out of range"},
      {"/model/vocab/c", 5000000000, corrupt, "\"c\""},
      {"/model/vocab/c", "1", corrupt, "\"c\""},
      {"/model/merges", json::array({"a c"}), corrupt, "\"c\" is not in the vocabulary"},
      {"/model/merges", json::array({"b a"}), corrupt, "its result \"ba\""},
      {"/model/merges", json::array({"a b c"}), corrupt, "not two tokens"},
      {"/model/merges", json::array({"ab"}), corrupt, "not two tokens"},
      {"/model/merges", json::array({json::array({"a"})}), corrupt, "not two tokens"},
      {"/model/merges", json::array({json::array({"a", "b", "a"})}), corrupt, "more than two"},
      {"/model/merges", json::array({json::array({json::array({"a"}), "b"})}), corrupt, "not two tokens"},
      {"/model/merges", json::array({7}), corrupt, "not two tokens"},
      {"/model/unk_token", "<unk>", corrupt, "<unk>"},
      {"/added_tokens/0/id", 0, corrupt, "belongs to"},
      {"/added_tokens/0/content", "a", corrupt, "where the vocabulary has 0"},
      {"/added_tokens/0/content", std::string(600, 'x'), unsupported, "longer than 512 bytes"},
      {"/added_tokens/0/lstrip", "yes", corrupt, "lstrip"},
      {"/added_tokens/0/color", "red", unsupported, "color"},
      {"/normalizer", {{"type", "Precompiled"}}, unsupported, "normalizer: this program does not know its type"},
      {"/normalizer", {{"type", "Strip"}, {"strip_left", 1}}, corrupt, "strip_left"},
      {"/normalizer", {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", ""}}, unsupported, "empty"},
      {"/normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "(a"}}}, {"content", ""}}, unsupported, "(a"},
      {"/normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Nmt"}}}}}, unsupported, "normalizer[0]"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, unsupported, "UnicodeScripts"},
      {"/pre_tokenizer", {{"type", "Digits"}}, corrupt, "individual_digits"},
      {"/pre_tokenizer", {{"type", "Digits"}, {"individual_digits", true}, {"x", 1}}, unsupported, "\"x\""},
      {"/pre_tokenizer", {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Odd"}}, unsupported, "Odd"},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "ab"}}, corrupt, "one character"},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "a"}, {"prepend_scheme", "odd"}}, unsupported, "odd"},
      {"/pre_tokenizer", json::array(), corrupt, "pre_tokenizer"},
      {"/decoder", {{"type", "CTC"}}, unsupported, "CTC"},
      {"/decoder", {{"type", "Strip"}, {"content", " "}, {"start", 9999}, {"stop", 0}}, unsupported, "256"},
      {"/decoder", {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", ""}}, unsupported, "decoder"},
      {"/decoder", repeated("decoders", {{"type", "Fuse"}}), unsupported, "decoder[64]: there are more than 64 steps"},
      {"/decoder",
       {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(65, 'a')}},
       unsupported,
       "longer than 64 times"},
      {"/normalizer", repeated("normalizers", {{"type", "NFC"}}), unsupported, "normalizer[64]: there are more than"},
      {"/pre_tokenizer", repeated("pretokenizers", {{"type", "Whitespace"}}), unsupported,
       "pre_tokenizer[64]: there are"},
      {"/post_processor", repeated("processors", {{"type", "ByteLevel"}}), unsupported, "more than 64 processors"},
      {"/post_processor", around(std::vector<int>(65, 3)), unsupported, "more than 64 tokens around a text"},
      {"/post_processor", {{"type", "Odd"}}, unsupported, "Odd"},
      {"/post_processor", {{"type", "RobertaProcessing"}, {"cls", {"<s>", 3}}, {"sep", {"</s>", 99}}}, corrupt, "99"},
      {"/post_processor", {{"type", "TemplateProcessing"}, {"single", json::array()}}, corrupt, "exactly once"},
  };
  for (const Refused& one : cases) {
    SCOPED_TRACE(one.pointer + " = " + one.value.dump());
    const std::string message = refusal(with(one.pointer, one.value));
    EXPECT_THAT(message, StartsWith(one.code + ": "));
    EXPECT_THAT(message, HasSubstr(one.text));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(TokenizerJson, StagesOfTheMostStepsAndTokensAreAccepted) {
  json sequence = repeated("decoders", {{"type", "Fuse"}});
  sequence["decoders"].erase(0);
  EXPECT_EQ(refusal(with("/decoder", sequence)), "accepted");
  EXPECT_EQ(refusal(with("/post_processor", around(std::vector<int>(64, 3)))), "accepted");
}

TEST(TokenizerJson, RefusesMergesThatRunInACycle) {
  json tokenizer = small();
  tokenizer["model"]["continuing_subword_prefix"] = "##";
  tokenizer["model"]["vocab"] = {{"a", 0}, {"##b", 1}, {"ab", 2}, {"##", 4}, {"#", 5}, {"###b", 6}, {"###", 7}};
  const auto merge = [&](const char* line) {
    tokenizer["model"]["merges"] = {line};
    return refusal(tokenizer);
  };
  EXPECT_EQ(merge("a ##b"), "accepted");
  EXPECT_THAT(merge("a ##"), HasSubstr("merge 0: \"a\" and \"##\" make \"a\" again; merges may not run in a cycle"));
  EXPECT_EQ(merge("# ###b"), "accepted");
  EXPECT_EQ(merge("### ##b"), "accepted");
}

// Every step multiplies the text; 1 KB of them would fill any memory.
TEST(TokenizerJson, StepsThatTogetherExplodeATextAreAnErrorOfThatText) {
  const json twice = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const auto stage = [](const char* members, const json& step) {
    return json{{"type", "Sequence"}, {members, std::vector<json>(60, step)}};
  };
  for (const json& tokenizer : {with("/normalizer", stage("normalizers", twice)),
                                with("/normalizer", stage("normalizers", {{"type", "ByteLevel"}})),
                                with("/pre_tokenizer", stage("pretokenizers", bytes))}) {
    const auto ids = parse(tokenizer)->encode("a \u00e9");
    ASSERT_FALSE(ids);
    EXPECT_EQ(ids.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(ids.error().message(), HasSubstr("a text: the tokenizer's"));
  }
  EXPECT_THAT(refusal(with("/decoder", stage("decoders", twice))), HasSubstr("longer than 64 times"));
  json added = with("/normalizer", stage("normalizers", twice));
  added["added_tokens"][0]["content"] = "a b";
  added["added_tokens"][0]["normalized"] = true;
  EXPECT_THAT(refusal(added), HasSubstr("added_tokens"));
}

TEST(TokenizerJson, RefusesKeysThatAreThereTwice) {
  const std::string text = R"({"decoder": null, "decoder": {"type": "Fuse"}, "model": {}})";
  const auto parsed = parse_tokenizer_json({text, {}, {}, {}});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message(), "tokenizer.json: the key \"decoder\" is there twice");
}

TEST(TokenizerJson, RefusesBrokenText) {
  const std::string text = small().dump();
  for (const std::string& broken :
       {std::string(), std::string("[]"), std::string("{}"), text.substr(0, text.size() / 2), text + "}",
        std::string(100000, '['), "{\"model\":" + std::string(100000, '['), std::string("{\"a\":\"\xFF\"}")}) {
    const auto parsed = parse_tokenizer_json({broken, {}, {}, {}});
    ASSERT_FALSE(parsed);
    EXPECT_LT(parsed.error().message().size(), 1000u);
  }
}

TEST(TokenizerJson, CompanionsOfAnotherTypeAreRefused) {
  const std::string text = small().dump();
  for (const char* companion : {"[]", "{", "7"}) {
    EXPECT_FALSE(parse_tokenizer_json({text, companion, {}, {}}));
    EXPECT_FALSE(parse_tokenizer_json({text, {}, companion, {}}));
    EXPECT_FALSE(parse_tokenizer_json({text, {}, {}, companion}));
  }
}

TokenizerData small_data() {
  TokenizerData data;
  data.model = "llama";
  data.tokens = {"<unk>", "a", "b", "ab"};
  data.scores = {0, -1, -2, -3};
  data.token_types = {2, 1, 1, 1};
  data.unknown_token_id = 0;
  return data;
}

std::string refusal(TokenizerData data) {
  const auto made = make_tokenizer(std::move(data));
  return made ? "accepted" : made.error().message();
}

TEST(TokenizerData, NamesWhatItRefuses) {
  EXPECT_EQ(refusal(small_data()), "accepted");
  const auto changed = [](auto change) {
    TokenizerData data = small_data();
    change(data);
    return refusal(std::move(data));
  };
  EXPECT_THAT(changed([](auto& d) { d.model = "t5"; }), HasSubstr("\"t5\""));
  EXPECT_THAT(changed([](auto& d) { d.model = "gpt2", d.pre = "odd"; }), HasSubstr("\"odd\""));
  EXPECT_THAT(changed([](auto& d) { d.tokens.clear(); }), HasSubstr("tokenizer.ggml.tokens"));
  EXPECT_THAT(changed([](auto& d) { d.scores.pop_back(); }), HasSubstr("scores: it has 3 entries for 4 tokens"));
  EXPECT_THAT(changed([](auto& d) { d.scores[1] = NAN; }), HasSubstr("score of token 1"));
  EXPECT_THAT(changed([](auto& d) { d.token_types[2] = 99; }), HasSubstr("token 2 has type 99"));
  EXPECT_THAT(changed([](auto& d) { d.tokens[2] = "a"; }), HasSubstr("it has two ids, 1 and 2"));
  EXPECT_THAT(changed([](auto& d) { d.tokens[2] = "\xFF"; }), HasSubstr("not UTF-8"));
  EXPECT_THAT(changed([](auto& d) { d.bos_token_id = 4; }), HasSubstr("bos_token_id: 4 is not the id of a token"));
  EXPECT_THAT(changed([](auto& d) { d.unknown_token_id.reset(); }), HasSubstr("no token for byte 0"));
  EXPECT_THAT(changed([](auto& d) { d.model = "gpt2", d.merges = {"ab"}; }), HasSubstr("\"ab\" is not two tokens"));
  EXPECT_THAT(changed([](auto& d) { d.model = "gpt2", d.merges = {"a c"}; }),
              HasSubstr("\"c\" is not in the vocabulary"));
}

TEST(TokenizerData, NoIdIsWrittenAsTheLargestNumber) {
  TokenizerData data = small_data();
  data.bos_token_id = 0xFFFFFFFF;
  EXPECT_FALSE(make(std::move(data))->bos());
}

}  // namespace
}  // namespace trireme::runtime::test
