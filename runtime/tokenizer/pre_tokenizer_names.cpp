#include "runtime/tokenizer/pre_tokenizer_names.h"

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

// The names are those of llama.cpp (src/llama-vocab.cpp); the patterns are those of the models' own tokenizer.json.
enum class Family : uint8_t {
  kGpt2,
  kGpt2Nfc,
  kStarcoder,
  kCommandR,
  kLlama3,
  kQwen2,
  kQwen35,
  kDeepseekLlm,
  kDeepseekCoder,
  kDeepseekV3,
  kGpt4o,
  kTekken,
  kFalcon,
  kBloom,
  kBailing,
  kSeedCoder,
};

struct Name {
  std::string_view name;
  Family family;
  bool ignore_merges = false;
  bool add_bos = false;
};

constexpr std::array kNames = std::to_array<Name>({
    {"", Family::kGpt2},
    {"default", Family::kGpt2},
    {"gpt-2", Family::kGpt2},
    {"phi-2", Family::kGpt2},
    {"jais", Family::kGpt2},
    {"exaone4", Family::kGpt2},
    {"gigachat", Family::kGpt2},
    {"granite-docling", Family::kGpt2},
    {"olmo", Family::kGpt2Nfc},
    {"mpt", Family::kGpt2Nfc},
    {"smollm", Family::kStarcoder},
    {"starcoder", Family::kStarcoder},
    {"refact", Family::kStarcoder},
    {"codeshell", Family::kStarcoder},
    {"exaone", Family::kStarcoder},
    {"minerva-7b", Family::kStarcoder},
    {"command-r", Family::kCommandR},
    {"llama3", Family::kLlama3, true, true},
    {"llama-v3", Family::kLlama3, true, true},
    {"llama-bpe", Family::kLlama3, true, true},
    {"falcon3", Family::kLlama3, true, true},
    {"falcon-h1", Family::kLlama3, true, true},
    {"pixtral", Family::kLlama3, true, true},
    {"lfm2", Family::kLlama3, true, true},
    {"dbrx", Family::kLlama3},
    {"smaug-bpe", Family::kLlama3},
    {"glm4", Family::kLlama3},
    {"chatglm-bpe", Family::kLlama3},
    {"qwen2", Family::kQwen2},
    {"deepseek-r1-qwen", Family::kQwen2},
    {"megrez", Family::kQwen2},
    {"qwen35", Family::kQwen35},
    {"deepseek-llm", Family::kDeepseekLlm},
    {"deepseek-coder", Family::kDeepseekCoder},
    {"deepseek-v3", Family::kDeepseekV3},
    {"hunyuan-dense", Family::kDeepseekV3},
    {"gpt-4o", Family::kGpt4o},
    {"llama4", Family::kGpt4o},
    {"tekken", Family::kTekken, true, true},
    {"falcon", Family::kFalcon},
    {"bloom", Family::kBloom},
    {"poro-chat", Family::kBloom},
    {"gpt3-finnish", Family::kBloom},
    {"bailingmoe", Family::kBailing},
    {"bailingmoe2", Family::kBailing},
    {"seed-coder", Family::kSeedCoder},
});

// clang-format counts the columns of these letters by the locale.
// clang-format off
constexpr const char* kLlama3 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+";
constexpr const char* kQwen2 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+";
constexpr const char* kQwen35 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kDeepseekV3 =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
// The letters of bicameral scripts.
constexpr const char* kDeepseekLetters =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-"
    "ὗὙὛὝὟ-\\x{1F7D}ᾀ-ᾴᾶ-ᾼ\\x{1FBE}ῂ-ῄῆ-ῌῐ-\\x{1FD3}ῖ-\\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕ"
    "ℙ-ℝℤ\\x{2126}ℨ\\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-"
    "𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
constexpr const char* kGpt4o =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|"
    "'d)?|"
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|"
    "'d)?|"
    "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kTekken =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|"
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"
    "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kBailing =
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| "
    "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
constexpr const char* kSeedCoder =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+";
constexpr const char* kHan = "[一-龥ࠀ-一가-퟿]+";
// clang-format on

class PreTokenizerBuilder {
 public:
  PreTokenizerBuilder& nfc() {
    result_.normalizer.emplace_back(UnicodeNormalizer{UnicodeForm::kNfc});
    return *this;
  }
  PreTokenizerBuilder& split(std::string_view pattern) {
    auto regex = Regex::compile(pattern);
    if (!regex) {
      if (!error_) error_ = std::move(regex).error();
      return *this;
    }
    return add(SplitPreTokenizer{std::move(*regex)});
  }
  PreTokenizerBuilder& add(PreTokenizer step) {
    result_.steps.push_back(std::move(step));
    return *this;
  }
  PreTokenizerBuilder& digits() { return add(DigitsPreTokenizer{true}); }
  PreTokenizerBuilder& bytes() { return add(ByteLevelPreTokenizer{}); }
  Result<NamedPreTokenizer> finish() {
    if (error_) return fail(std::move(*error_));
    return std::move(result_);
  }

 private:
  NamedPreTokenizer result_;
  std::optional<Error> error_;
};

Result<NamedPreTokenizer> build(Family family) {
  PreTokenizerBuilder b;
  switch (family) {
    case Family::kGpt2: return b.split(gpt2_pattern()).bytes().finish();
    case Family::kGpt2Nfc: return b.nfc().split(gpt2_pattern()).bytes().finish();
    case Family::kStarcoder: return b.digits().split(gpt2_pattern()).bytes().finish();
    case Family::kCommandR: return b.nfc().digits().split(gpt2_pattern()).bytes().finish();
    case Family::kLlama3: return b.split(kLlama3).bytes().finish();
    case Family::kQwen2: return b.nfc().split(kQwen2).bytes().finish();
    case Family::kQwen35: return b.nfc().split(kQwen35).bytes().finish();
    case Family::kDeepseekLlm:
      return b.split("[\\r\\n]")
          .split(kDeepseekLetters)
          .split("\\s?[!-/:-~！-／：-～‘-‟　-。]+")
          .split("\\s+$")
          .split(kHan)
          .digits()
          .bytes()
          .finish();
    case Family::kDeepseekCoder:
      return b.split("[\\r\\n]").split("\\s?\\p{L}+").split("\\s?\\p{P}+").split(kHan).digits().bytes().finish();
    case Family::kDeepseekV3:
      return b.split("\\p{N}{1,3}").split("[一-龥぀-ゟ゠-ヿ]+").split(kDeepseekV3).bytes().finish();
    case Family::kGpt4o: return b.split(kGpt4o).bytes().finish();
    case Family::kTekken: return b.split(kTekken).bytes().finish();
    // The digits are looked for behind the byte level, as the model's own tokenizer does.
    case Family::kFalcon:
      return b.add(PunctuationPreTokenizer{SplitBehavior::kContiguous})
          .split(gpt2_pattern())
          .bytes()
          .add(DigitsPreTokenizer{false})
          .split("[0-9][0-9][0-9]")
          .finish();
    case Family::kBloom: return b.split(" ?[^(\\s|.,!?…。，、।۔،)]+").bytes().finish();
    case Family::kBailing: return b.split(kBailing).bytes().finish();
    case Family::kSeedCoder: return b.split(kSeedCoder).bytes().finish();
  }
  return fail(ErrorCode::kInternal, "a pre-tokenizer", "its family has no steps");
}

}  // namespace

Result<NamedPreTokenizer> find_pre_tokenizer(std::string_view name) {
  const auto known = std::find_if(kNames.begin(), kNames.end(), [&](const Name& one) { return one.name == name; });
  if (known == kNames.end()) {
    return fail(ErrorCode::kUnsupported, "pre-tokenizer \"" + printable(name) + "\"", "this program does not know it",
                "use the model's folder with its tokenizer.json");
  }
  TRIREME_ASSIGN(NamedPreTokenizer result, build(known->family));
  result.ignore_merges = known->ignore_merges;
  result.add_bos = known->add_bos;
  return result;
}

}  // namespace trireme::runtime
