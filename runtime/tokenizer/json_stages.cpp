#include "runtime/tokenizer/json_stages.h"

#include <array>
#include <utility>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/growth.h"
#include "runtime/tokenizer/json_reader.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

template <typename Step>
using ReadStep = Status (*)(const JsonReader& reader, std::vector<Step>& steps);
template <typename Step>
using ReadTable = std::span<const std::pair<std::string_view, ReadStep<Step>>>;

constexpr size_t kMaxSteps = 64;  // a text passes them all, some of them one inside the other

// Reads one stage by its type. `members` is the field in which a Sequence keeps its steps.
template <typename Step>
Status read_stage(const json& value, const std::string& path, std::string_view members, ReadTable<Step> table,
                  std::vector<Step>& steps) {
  if (value.is_null()) return {};
  TRIREME_ASSIGN(const JsonReader reader, JsonReader::open(value, path));
  TRIREME_ASSIGN(const std::string type, reader.type());
  if (type == "Sequence") {
    TRIREME_TRY(reader.only({members}));
    TRIREME_ASSIGN(const json* list, reader.array(members));
    for (size_t i = 0; i < list->size(); ++i) {
      TRIREME_TRY(read_stage(list->at(i), path + "[" + std::to_string(i) + "]", members, table, steps));
    }
    return {};
  }
  if (steps.size() >= kMaxSteps) return fail(reader.unsupported("there are more than 64 steps"));
  for (const auto& [name, read] : table) {
    if (name == type) return read(reader, steps);
  }
  return fail(reader.unsupported("this program does not know its type \"" + printable(type) + "\""));
}

Result<Pattern> read_pattern(const JsonReader& reader) {
  const json* field = reader.find("pattern");
  if (!field) return fail(reader.corrupt("pattern", "it is missing"));
  TRIREME_ASSIGN(const JsonReader pattern, JsonReader::open(*field, reader.path() + ".pattern"));
  TRIREME_TRY(pattern.only({"String", "Regex"}));
  if (pattern.find("Regex")) {
    TRIREME_ASSIGN(const std::string text, pattern.text("Regex"));
    TRIREME_ASSIGN(Regex regex, Regex::compile(text));
    return Pattern(std::move(regex));
  }
  TRIREME_ASSIGN(std::string text, pattern.text("String"));
  if (text.empty()) return fail(pattern.unsupported("an empty string to search for"));
  return Pattern(std::move(text));
}

// A field that holds exactly one character.
Result<std::string> read_character(const JsonReader& reader, std::string_view name) {
  TRIREME_ASSIGN(std::string text, reader.text(name));
  if (text.empty() || read_utf8(text, 0).length != text.size()) {
    return fail(reader.corrupt(name, "it is not one character"));
  }
  return text;
}

Result<SplitBehavior> read_behavior(const JsonReader& reader, std::optional<std::string> absent = std::nullopt) {
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous},
  }};
  TRIREME_ASSIGN(const std::string text, reader.text("behavior", std::move(absent)));
  for (const auto& [name, behavior] : kBehaviors) {
    if (name == text) return behavior;
  }
  return fail(reader.unsupported("this program does not know the behavior \"" + printable(text) + "\""));
}

// --- normalizers

template <UnicodeForm form>
Status read_unicode_form(const JsonReader& reader, std::vector<Normalizer>& steps) {
  TRIREME_TRY(reader.only({}));
  steps.emplace_back(UnicodeNormalizer{form});
  return {};
}

template <typename Plain>
Status read_plain_normalizer(const JsonReader& reader, std::vector<Normalizer>& steps) {
  TRIREME_TRY(reader.only({}));
  steps.emplace_back(Plain{});
  return {};
}

Status read_prepend(const JsonReader& reader, std::vector<Normalizer>& steps) {
  TRIREME_TRY(reader.only({"prepend"}));
  TRIREME_ASSIGN(std::string text, reader.text("prepend"));
  steps.emplace_back(PrependNormalizer{std::move(text)});
  return {};
}

Status read_replace_normalizer(const JsonReader& reader, std::vector<Normalizer>& steps) {
  TRIREME_TRY(reader.only({"pattern", "content"}));
  TRIREME_ASSIGN(Pattern pattern, read_pattern(reader));
  TRIREME_ASSIGN(std::string content, reader.text("content"));
  steps.emplace_back(ReplaceNormalizer{std::move(pattern), std::move(content)});
  return {};
}

Status read_strip_normalizer(const JsonReader& reader, std::vector<Normalizer>& steps) {
  TRIREME_TRY(reader.only({"strip_left", "strip_right"}));
  TRIREME_ASSIGN(const bool left, reader.boolean("strip_left"));
  TRIREME_ASSIGN(const bool right, reader.boolean("strip_right"));
  steps.emplace_back(StripNormalizer{left, right});
  return {};
}

constexpr std::pair<std::string_view, ReadStep<Normalizer>> kNormalizers[] = {
    {"NFC", read_unicode_form<UnicodeForm::kNfc>},
    {"NFD", read_unicode_form<UnicodeForm::kNfd>},
    {"NFKC", read_unicode_form<UnicodeForm::kNfkc>},
    {"NFKD", read_unicode_form<UnicodeForm::kNfkd>},
    {"Lowercase", read_plain_normalizer<LowercaseNormalizer>},
    {"StripAccents", read_plain_normalizer<StripAccentsNormalizer>},
    {"ByteLevel", read_plain_normalizer<ByteLevelNormalizer>},
    {"Prepend", read_prepend},
    {"Replace", read_replace_normalizer},
    {"Strip", read_strip_normalizer},
};

// --- pre-tokenizers

Status read_byte_level(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({"add_prefix_space", "trim_offsets", "use_regex"}));
  TRIREME_ASSIGN(const bool prefix, reader.boolean("add_prefix_space", true));
  TRIREME_ASSIGN(const bool splits, reader.boolean("use_regex", true));
  if (prefix) steps.emplace_back(PrefixSpacePreTokenizer{});
  if (splits) {
    TRIREME_ASSIGN(Regex regex, Regex::compile(gpt2_pattern()));
    steps.emplace_back(SplitPreTokenizer{std::move(regex)});
  }
  steps.emplace_back(ByteLevelPreTokenizer{});
  return {};
}

Status read_split(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({"pattern", "behavior", "invert"}));
  TRIREME_ASSIGN(Pattern pattern, read_pattern(reader));
  TRIREME_ASSIGN(const SplitBehavior behavior, read_behavior(reader));
  TRIREME_ASSIGN(const bool invert, reader.boolean("invert", false));
  steps.emplace_back(SplitPreTokenizer{std::move(pattern), behavior, invert});
  return {};
}

Status read_metaspace(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  using Prepend = MetaspacePreTokenizer::Prepend;
  TRIREME_TRY(reader.only({"replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep"}));
  MetaspacePreTokenizer step;
  TRIREME_ASSIGN(step.replacement, read_character(reader, "replacement"));
  TRIREME_ASSIGN(step.split, reader.boolean("split", true));
  TRIREME_ASSIGN(const bool prefix, reader.boolean("add_prefix_space", true));
  TRIREME_ASSIGN(const std::string scheme, reader.text("prepend_scheme", prefix ? "always" : "never"));
  if (scheme == "always") {
    step.prepend = Prepend::kAlways;
  } else if (scheme == "first") {
    step.prepend = Prepend::kFirst;
  } else if (scheme == "never") {
    step.prepend = Prepend::kNever;
  } else {
    return fail(reader.unsupported("this program does not know the prepend_scheme \"" + printable(scheme) + "\""));
  }
  if (!prefix && step.prepend != Prepend::kNever) {
    return fail(reader.corrupt("prepend_scheme", "it contradicts add_prefix_space"));
  }
  steps.emplace_back(std::move(step));
  return {};
}

Status read_digits(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({"individual_digits"}));
  TRIREME_ASSIGN(const bool individual, reader.boolean("individual_digits"));
  steps.emplace_back(DigitsPreTokenizer{individual});
  return {};
}

Status read_punctuation(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({"behavior"}));
  TRIREME_ASSIGN(const SplitBehavior behavior, read_behavior(reader, "Isolated"));
  steps.emplace_back(PunctuationPreTokenizer{behavior});
  return {};
}

Status read_bert(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({}));
  steps.emplace_back(WhitespaceSplitPreTokenizer{});
  steps.emplace_back(PunctuationPreTokenizer{});
  return {};
}

Status read_delimiter(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({"delimiter"}));
  TRIREME_ASSIGN(std::string delimiter, read_character(reader, "delimiter"));
  steps.emplace_back(SplitPreTokenizer{std::move(delimiter), SplitBehavior::kRemoved, false});
  return {};
}

template <typename Plain>
Status read_plain_pre_tokenizer(const JsonReader& reader, std::vector<PreTokenizer>& steps) {
  TRIREME_TRY(reader.only({}));
  steps.emplace_back(Plain{});
  return {};
}

constexpr std::pair<std::string_view, ReadStep<PreTokenizer>> kPreTokenizers[] = {
    {"ByteLevel", read_byte_level},
    {"Split", read_split},
    {"Metaspace", read_metaspace},
    {"Digits", read_digits},
    {"Punctuation", read_punctuation},
    {"BertPreTokenizer", read_bert},
    {"CharDelimiterSplit", read_delimiter},
    {"Whitespace", read_plain_pre_tokenizer<WhitespacePreTokenizer>},
    {"WhitespaceSplit", read_plain_pre_tokenizer<WhitespaceSplitPreTokenizer>},
};

// --- decoders

Status read_byte_level_decoder(const JsonReader& reader, std::vector<Decoder>& steps) {
  TRIREME_TRY(reader.only({"add_prefix_space", "trim_offsets", "use_regex"}));
  steps.emplace_back(ByteLevelDecoder{});
  return {};
}

Status read_replace_decoder(const JsonReader& reader, std::vector<Decoder>& steps) {
  TRIREME_TRY(reader.only({"pattern", "content"}));
  TRIREME_ASSIGN(Pattern pattern, read_pattern(reader));
  TRIREME_ASSIGN(std::string content, reader.text("content"));
  auto* text = std::get_if<std::string>(&pattern);
  if (!text) return fail(reader.unsupported("a regular expression in a decoder"));
  steps.emplace_back(ReplaceDecoder{std::move(*text), std::move(content)});
  return {};
}

Status read_strip_decoder(const JsonReader& reader, std::vector<Decoder>& steps) {
  constexpr int64_t kMost = 256;
  TRIREME_TRY(reader.only({"content", "start", "stop"}));
  StripDecoder step;
  TRIREME_ASSIGN(step.content, read_character(reader, "content"));
  TRIREME_ASSIGN(const int64_t start, reader.integer("start"));
  TRIREME_ASSIGN(const int64_t stop, reader.integer("stop"));
  if (start < 0 || start > kMost || stop < 0 || stop > kMost) {
    return fail(reader.unsupported("it strips more than 256 characters"));
  }
  step.start = static_cast<size_t>(start);
  step.stop = static_cast<size_t>(stop);
  steps.emplace_back(std::move(step));
  return {};
}

Status read_metaspace_decoder(const JsonReader& reader, std::vector<Decoder>& steps) {
  std::vector<PreTokenizer> parsed;
  TRIREME_TRY(read_metaspace(reader, parsed));
  auto& metaspace = std::get<MetaspacePreTokenizer>(parsed.front());
  steps.emplace_back(
      MetaspaceDecoder{std::move(metaspace.replacement), metaspace.prepend != MetaspacePreTokenizer::Prepend::kNever});
  return {};
}

template <typename Plain>
Status read_plain_decoder(const JsonReader& reader, std::vector<Decoder>& steps) {
  TRIREME_TRY(reader.only({}));
  steps.emplace_back(Plain{});
  return {};
}

constexpr std::pair<std::string_view, ReadStep<Decoder>> kDecoders[] = {
    {"ByteLevel", read_byte_level_decoder},
    {"Replace", read_replace_decoder},
    {"Strip", read_strip_decoder},
    {"Metaspace", read_metaspace_decoder},
    {"ByteFallback", read_plain_decoder<ByteFallbackDecoder>},
    {"Fuse", read_plain_decoder<FuseDecoder>},
};

// A decoder has no error to give, so what it may do to a text is settled here.
Status check_growth(std::span<const Decoder> steps) {
  size_t growth = 1;
  for (const Decoder& step : steps) {
    const auto* replace = std::get_if<ReplaceDecoder>(&step);
    if (!replace) continue;
    const size_t pattern = replace->pattern.size();
    growth *= std::max<size_t>((replace->content.size() + pattern - 1) / pattern, 1);
    if (growth > kMaxGrowth) {
      return fail(ErrorCode::kUnsupported, "tokenizer.json: decoder",
                  "its replacements make a text longer than 64 times");
    }
  }
  return {};
}

}  // namespace

Status read_normalizer(const json& value, std::vector<Normalizer>& steps) {
  return read_stage<Normalizer>(value, "normalizer", "normalizers", kNormalizers, steps);
}

Status read_pre_tokenizer(const json& value, std::vector<PreTokenizer>& steps) {
  return read_stage<PreTokenizer>(value, "pre_tokenizer", "pretokenizers", kPreTokenizers, steps);
}

Status read_decoder(const json& value, std::vector<Decoder>& steps) {
  if (value.is_null()) steps.emplace_back(JoinDecoder{});
  TRIREME_TRY(read_stage<Decoder>(value, "decoder", "decoders", kDecoders, steps));
  return check_growth(steps);
}

}  // namespace trireme::runtime
