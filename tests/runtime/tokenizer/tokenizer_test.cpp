// What holds for every tokenizer, and what its callers are promised.
#include "runtime/tokenizer/tokenizer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>

#include "runtime/tokenizer/utf8.h"
#include "tests/runtime/tokenizer/test_data.h"

namespace trireme::runtime::test {
namespace {

TokenizerPtr recorded(const std::string& name) { return parse(read_data("vectors/" + name + ".json")["tokenizer"]); }

const std::vector<TokenizerPtr>& all() {
  static const std::vector<TokenizerPtr> tokenizers = [] {
    std::vector<TokenizerPtr> result;
    for (const std::string& name : data_names("vectors")) result.push_back(recorded(name));
    return result;
  }();
  return tokenizers;
}

RC_GTEST_PROP(Tokenizer, StreamsValidUtf8ThatJoinsToTheDecodedText, ()) {
  const TokenizerPtr tokenizer = *rc::gen::elementOf(all());
  const auto ids = *rc::gen::container<Ids>(rc::gen::inRange(-1, tokenizer->vocab_size() + 2));
  const bool skip = *rc::gen::arbitrary<bool>();
  StreamingDecoder decoder(tokenizer, skip);
  std::string joined;
  for (const int32_t id : ids) {
    const std::string piece = decoder.push(id);
    RC_ASSERT(is_utf8(piece));
    joined += piece;
  }
  const std::string rest = decoder.finish();
  RC_ASSERT(is_utf8(rest));
  RC_ASSERT(joined + rest == tokenizer->decode(ids, skip));
  // After finish() it begins anew.
  RC_ASSERT(stream(tokenizer, ids, skip) == joined + rest);
  for (const int32_t id : ids) decoder.push(id);
  decoder.finish();
  std::string again;
  for (const int32_t id : ids) again += decoder.push(id);
  RC_ASSERT(again == joined);
}

RC_GTEST_PROP(Tokenizer, ByteLevelTextsSurviveTheRoundTrip, ()) {
  static const TokenizerPtr tokenizer = recorded("llama3");
  const auto bytes = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::arbitrary<char>(), rc::gen::elementOf(std::string(" \n'sa1\xE2\x82\xAC\xF0\x9F\x99\x82"))));
  RC_ASSERT(tokenizer->decode(encode(*tokenizer, bytes)) == replace_invalid_utf8(bytes));
}

RC_GTEST_PROP(Tokenizer, ByteFallbackTextsSurviveTheRoundTrip, ()) {
  static const TokenizerPtr tokenizer = recorded("llama2");
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const std::string text = replace_invalid_utf8(bytes);
  // The format writes blanks as this character, so that the two cannot be told apart.
  RC_PRE(text.find("▁") == std::string::npos && !text.starts_with("<"));
  RC_ASSERT(tokenizer->decode(encode(*tokenizer, bytes, {.parse_special = false})) == text);
}

TEST(Tokenizer, ReadsInvalidUtf8AsReplacementCharacters) {
  for (const TokenizerPtr& tokenizer : all()) {
    EXPECT_EQ(encode(*tokenizer,
                     "a\xFF"
                     "b\xE2\x82"),
              encode(*tokenizer, "a\uFFFDb\uFFFD"));
  }
}

TEST(Tokenizer, StreamsACharacterOnceItIsWhole) {
  const TokenizerPtr tokenizer = recorded("gpt2");
  const auto byte = [&](const char* spelling) { return *tokenizer->token_id(spelling); };
  StreamingDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(byte("â")), "");  // the euro's three bytes
  EXPECT_EQ(decoder.push(byte("Ĥ")), "");
  EXPECT_EQ(decoder.push(byte("¬")), "€");
  EXPECT_EQ(decoder.push(byte("â")), "");
  EXPECT_EQ(decoder.push(byte("a")), "\uFFFDa");
  EXPECT_EQ(decoder.push(byte("â")), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
}

TEST(Tokenizer, SpecialTokensAreTextWhenAsked) {
  const TokenizerPtr tokenizer = recorded("gpt2");
  const int32_t start = *tokenizer->token_id("<|im_start|>");
  EXPECT_TRUE(tokenizer->is_special(start));
  EXPECT_FALSE(tokenizer->is_special(*tokenizer->token_id("a")));
  EXPECT_EQ(encode(*tokenizer, "<|im_start|>"), Ids{start});
  const Ids plain = encode(*tokenizer, "<|im_start|>", {.parse_special = false});
  EXPECT_GT(plain.size(), 1u);
  EXPECT_EQ(tokenizer->decode(plain), "<|im_start|>");
  EXPECT_EQ(tokenizer->decode(Ids{start}, true), "");
  EXPECT_EQ(tokenizer->decode(plain, true), "<|im_start|>");
}

TEST(Tokenizer, UnknownIdsGiveNoText) {
  const TokenizerPtr tokenizer = recorded("gpt2");
  EXPECT_EQ(tokenizer->decode(Ids{-1, tokenizer->vocab_size(), INT32_MAX, INT32_MIN}), "");
  EXPECT_EQ(tokenizer->token_text(-1), "");
  EXPECT_FALSE(tokenizer->has_token(tokenizer->vocab_size()));
  EXPECT_FALSE(tokenizer->token_id("no such token"));
}

TokenizerData pieces() {
  TokenizerData data;
  data.model = "llama";
  data.tokens = {"<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", "ab", "▁ab", "<turn>", "  ", "<end_of_turn>", "ba"};
  data.scores = {0, 0, 0, -9, -8, -7, -2, -1, -3, 0, 0, 0, -1};
  data.token_types = {2, 3, 3, 1, 1, 1, 1, 1, 1, 4, 4, 4, 1};
  data.unknown_token_id = 0;
  data.bos_token_id = 1;
  data.eos_token_id = 2;
  return data;
}

TEST(ScoredPieces, MergesTheBestScoreFirstAndTheLeftmostOfEqualOnes) {
  TokenizerData data = pieces();
  data.add_space_prefix = false;
  const TokenizerPtr tokenizer = make(std::move(data));
  EXPECT_EQ(encode(*tokenizer, "aba"), (Ids{7, 4}));
  EXPECT_EQ(encode(*tokenizer, "bab"), (Ids{12, 5}));
  EXPECT_EQ(encode(*tokenizer, "ab ab"), (Ids{7, 8}));
}

TEST(ScoredPieces, PutABlankBeforeEachStretchOfText) {
  const TokenizerPtr tokenizer = make(pieces());
  EXPECT_EQ(encode(*tokenizer, "ab"), Ids{8});
  EXPECT_EQ(encode(*tokenizer, ""), Ids{});
  EXPECT_EQ(encode(*tokenizer, "ab</s>a"), (Ids{8, 2, 6}));
  EXPECT_EQ(tokenizer->decode(Ids{8, 6}), "ab a");
  EXPECT_EQ(stream(tokenizer, Ids{8, 6}), "ab a");
  TokenizerData data = pieces();
  data.add_space_prefix = false;
  EXPECT_EQ(encode(*make(data), "ab"), Ids{7});
  EXPECT_EQ(make(data)->decode(Ids{8, 6}), " ab a");
}

TEST(ScoredPieces, UserDefinedTokensAreRecognisedAlways) {
  TokenizerData data = pieces();
  data.add_space_prefix = false;
  const TokenizerPtr tokenizer = make(std::move(data));
  EXPECT_EQ(encode(*tokenizer, "<turn>a", {.parse_special = false}), (Ids{9, 4}));
  EXPECT_EQ(encode(*tokenizer, "</s>", {.parse_special = false}), (Ids{0}));
  EXPECT_EQ(encode(*tokenizer, "a  b"), (Ids{4, 10, 5}));
  EXPECT_EQ(encode(*tokenizer, "a▁▁b"), (Ids{4, 10, 5}));
}

TEST(ScoredPieces, NameTheirSpecialIds) {
  const TokenizerPtr tokenizer = make(pieces());
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_EQ(tokenizer->unknown(), 0);
  EXPECT_FALSE(tokenizer->pad());
  EXPECT_EQ(Ids(tokenizer->end_ids().begin(), tokenizer->end_ids().end()), (Ids{2, 11}));
  // SentencePiece models begin their texts with a token unless the file says otherwise.
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_EQ(encode(*tokenizer, "ab", {.add_bos = true, .add_eos = true}), (Ids{1, 8}));
  TokenizerData data = pieces();
  data.add_bos_token = false;
  data.add_eos_token = true;
  data.eot_token_id = 9;
  const TokenizerPtr other = make(std::move(data));
  EXPECT_FALSE(other->adds_bos());
  EXPECT_EQ(encode(*other, "ab", {.add_bos = true, .add_eos = true}), (Ids{8, 2}));
  EXPECT_TRUE(other->is_end(9));
}

TEST(TokenizerJson, CompanionsNameSpecialTokensAndEnds) {
  const std::string file = read_data("vectors/gpt2.json")["tokenizer"].dump();
  const auto parsed = [&](const char* tokenizer, const char* generation, const char* config) {
    auto result = parse_tokenizer_json({file, tokenizer, generation, config});
    if (!result) throw std::runtime_error(result.error().message());
    return *result;
  };
  const auto all_three = parsed(R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true})",
                                R"({"eos_token_id": [1, 4, 99999], "pad_token_id": 2})", R"({"eos_token_id": 3})");
  EXPECT_EQ(all_three->bos(), 0);
  EXPECT_EQ(all_three->eos(), 1);
  EXPECT_EQ(all_three->pad(), 2);
  EXPECT_EQ(Ids(all_three->end_ids().begin(), all_three->end_ids().end()), (Ids{1, 3, 4}));
  EXPECT_EQ(encode(*all_three, "", {.add_bos = true}), Ids{0});
  const auto config_alone = parsed("{}", "{}", R"({"bos_token_id": 3, "eos_token_id": 4})");
  EXPECT_EQ(config_alone->bos(), 3);
  EXPECT_FALSE(config_alone->adds_bos());
  EXPECT_TRUE(config_alone->is_end(4));
}

TEST(TokenizerJson, TokenizerConfigCanTakeTheFirstTokenAway) {
  const std::string file = read_data("vectors/llama3.json")["tokenizer"].dump();
  EXPECT_TRUE((*parse_tokenizer_json({file, {}, {}, {}}))->adds_bos());
  const auto without = parse_tokenizer_json({file, R"({"bos_token": "<s>", "add_bos_token": false})", {}, {}});
  EXPECT_FALSE((*without)->adds_bos());
}

// A quadratic step would take minutes.
TEST(Tokenizer, LongMonotonousTextsTakeNoMoreThanSeconds) {
  const std::vector<TokenizerPtr> tokenizers = {recorded("gpt2"),   recorded("llama3"),      recorded("gpt4o"),
                                                recorded("qwen2"),  recorded("deepseek_v3"), recorded("gemma"),
                                                recorded("llama2"), recorded("added_flags"), recorded("metaspace")};
  for (const std::string unit : {"a", "A", " ", "\n", " \n", "1", "'", "<", "\u4e00", "a\u0301\u0323", "<s>", "\xFF"}) {
    std::string text;
    while (text.size() < (size_t{1} << 18)) text += unit;
    for (const TokenizerPtr& tokenizer : tokenizers) {
      const auto begin = std::chrono::steady_clock::now();
      const auto ids = tokenizer->encode(text);
      if (ids) tokenizer->decode(*ids);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
      EXPECT_LT(taken.count(), 10) << json(unit);
      EXPECT_TRUE(ids) << ids.error().message();
    }
  }
}

TEST(Tokenizer, ATextBeyondTheLimitIsRefused) {
  const std::string text((size_t{1} << 28) + 1, ' ');
  const auto ids = recorded("gpt2")->encode(text);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), ErrorCode::kInvalidArgument);
}

TEST(Tokenizer, ARegularExpressionThatExplodesIsAnError) {
  json tokenizer = read_data("vectors/gpt2.json")["tokenizer"];
  tokenizer["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(?:(?:a+)+)+[^a]"}}}, {"behavior", "Isolated"}, {"invert", false}};
  const auto ids = parse(tokenizer)->encode(std::string(100, 'a'));
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace trireme::runtime::test
