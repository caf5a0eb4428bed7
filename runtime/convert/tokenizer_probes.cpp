#include "runtime/convert/tokenizer_probes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/tokenizer/pre_tokenizer_names.h"

namespace trireme::runtime {
namespace {

constexpr int32_t kVocabularySamples = 4096;

// Words, contractions in both cases, digits in runs of several lengths, blanks and line ends, punctuation and slashes,
// capitals inside words, composed and decomposed accents, marks, other scripts, full-width forms, emoji.
constexpr std::array<std::string_view, 14> kProbes = {
    "Hello world",
    " The quick brown fox, isn't it? I'll say WE'RE DON'T they'd've",
    "0 12 345 6789 1234567890 3.14159 1,000,000 v2x10",
    "a  b   c\td\n\ne \n f\r\n\r\n   g    ",
    "   leading and trailing   ",
    "if (x[i] != 0) { return foo->bar(\"baz\\n\"); } // done; a/b http://x.y/z?q=1#r",
    "camelCaseWord HTTPServer XMLHttp iPhone ABCdef",
    "caf\xC3\xA9 cafe\xCC\x81 na\xC3\xAFve \xEF\xAC\x81x \xE2\x84\xAB",
    "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xD0\xBC\xD0\xB8\xD1\x80 \xCE\xB1\xCE\xB2\xCE\xB3 "
    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7 \xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80",
    "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE3\x80\x82\xE3\x81\x93\xE3\x82\x93\xE3\x82\xAB\xE3\x82\xBF "
    "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 abc\xE4\xB8\xAD\xE6\x96\x87"
    "12\xEF\xBC\x91\xEF\xBC\x92",
    "\xF0\x9F\x98\x80\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xE2\x9C\x93 \xE2\x80\x9Cquoted\xE2\x80\x9D "
    "\xE2\x80\xA6 \xE2\x80\x94",
    "x\xC2\xB2 + y\xC2\xB3 = \xC2\xBD \xD9\xA1\xD9\xA2\xD9\xA3 \xE2\x85\xA3",
    "!!!??? ... ,,, --- ___ *** ((( ))) <tag> </tag> @user #hash $5 50% ~ ^ ` |",
    "\xE2\x96\x81marked \xE2\x96\x81\xE2\x96\x81twice \xC2\xA0non-breaking\xE2\x80\x83wide",
};

// In the order in which they are tried.
constexpr std::array<std::string_view, 18> kNames = {
    "gpt-2",  "smollm", "qwen2",     "llama-bpe",    "smaug-bpe",      "olmo",
    "gpt-4o", "tekken", "command-r", "deepseek-llm", "deepseek-coder", "deepseek-v3",
    "qwen35", "falcon", "bloom",     "bailingmoe",   "seed-coder",     "starcoder",
};

Result<std::vector<std::string>> cut(std::span<const Normalizer> normalizer, std::span<const PreTokenizer> steps,
                                     std::string_view probe) {
  std::string text(probe);
  TRIREME_TRY(normalize(normalizer, text));
  PieceList list{text, {{0, text.size(), true}}};
  TRIREME_TRY(pre_tokenize(steps, list));
  std::vector<std::string> pieces;
  for (const Piece& piece : list.pieces) pieces.emplace_back(list.view(piece));
  return pieces;
}

Result<bool> cuts_alike(const TokenizerParts& parts, const NamedPreTokenizer& named) {
  for (const std::string_view probe : kProbes) {
    TRIREME_ASSIGN(const std::vector<std::string> left, cut(parts.normalizer, parts.pre_tokenizer, probe));
    TRIREME_ASSIGN(const std::vector<std::string> right, cut(named.normalizer, named.steps, probe));
    if (left != right) return false;
  }
  return true;
}

Result<bool> differ(const Tokenizer& left, const Tokenizer& right, std::string_view text) {
  TRIREME_ASSIGN(const std::vector<int32_t> expected, left.encode(text));
  TRIREME_ASSIGN(const std::vector<int32_t> actual, right.encode(text));
  return expected != actual;
}

}  // namespace

Result<std::string> name_pre_tokenizer(const TokenizerParts& parts, bool ignore_merges) {
  std::string second_best;
  for (const std::string_view name : kNames) {
    TRIREME_ASSIGN(const NamedPreTokenizer named, find_pre_tokenizer(name));
    TRIREME_ASSIGN(const bool alike, cuts_alike(parts, named));
    if (!alike) continue;
    if (named.ignore_merges == ignore_merges) return std::string(name);
    if (second_best.empty()) second_best = name;
  }
  return second_best;
}

Result<std::optional<std::string>> find_difference(const Tokenizer& left, const Tokenizer& right) {
  for (const std::string_view probe : kProbes) {
    TRIREME_ASSIGN(const bool differs, differ(left, right, probe));
    if (differs) return std::string(probe);
  }
  const int32_t count = std::min(left.vocab_size(), right.vocab_size());
  const int32_t stride = std::max(1, count / kVocabularySamples);
  for (int32_t id = 0; id < count; id += stride) {
    const std::string text = "a" + left.decode(std::array{id});
    TRIREME_ASSIGN(const bool differs, differ(left, right, text));
    if (differs) return text;
  }
  return std::nullopt;
}

}  // namespace trireme::runtime
