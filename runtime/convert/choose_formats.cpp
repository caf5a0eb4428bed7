#include "runtime/convert/choose_formats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "runtime/files/printable.h"
#include "runtime/quantize/encoder.h"
#include "runtime/tokenizer/regex.h"

namespace trireme::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, uint32_t>, 13> kFileTypes = {{
    {"F32", 0},
    {"F16", 1},
    {"BF16", 32},
    {"Q4_0", 2},
    {"Q4_1", 3},
    {"Q5_0", 8},
    {"Q5_1", 9},
    {"Q8_0", 7},
    {"Q2_K", 10},
    {"Q3_K", 12},
    {"Q4_K", 14},
    {"Q5_K", 16},
    {"Q6_K", 18},
}};

// Where a row does not divide into blocks of 256: the type of blocks of 32 with the next larger size.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFallbacks = {{
    {"Q2_K", "Q4_0"},
    {"Q3_K", "Q4_0"},
    {"Q4_K", "Q5_0"},
    {"Q5_K", "Q5_1"},
    {"Q6_K", "Q8_0"},
}};

// Parts of the names of matrices that are small, and that computing needs in full precision.
constexpr std::array<std::string_view, 5> kKeptFloat = {"_norm.", "ffn_gate_inp.", "ssm_conv1d.", "shortconv.conv.",
                                                        "rope_f"};

bool fits(const Format& format, int64_t columns) { return columns % format.block_elements == 0; }

std::string target_names() {
  std::string list;
  for (const auto& [name, id] : kFileTypes) {
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return list;
}

struct Rule {
  RegexMatcher matcher;
  const Format* format;
  bool used = false;
};

class Chooser {
 public:
  explicit Chooser(const FormatRules& rules) : rules_(rules) {}

  Status compile() {
    for (const TensorTypeRule& rule : rules_.tensors) {
      auto regex = Regex::compile(rule.pattern);
      if (!regex)
        return fail(std::move(regex).error(), "reading the tensor pattern \"" + printable(rule.pattern) + "\"");
      compiled_.push_back({RegexMatcher(*regex), rule.format});
    }
    return {};
  }

  Result<FormatChoice> choose(const std::string& name, const TensorDesc& desc) {
    const bool integers = desc.format->plain && *desc.format->plain != DType::kF32 &&
                          *desc.format->plain != DType::kF16 && *desc.format->plain != DType::kBF16;
    if (integers) return FormatChoice{desc.format, std::nullopt};
    TRIREME_ASSIGN(const Format* ruled, find_rule(name));
    if (ruled) return fall_back(name, *ruled, desc.shape.back());
    const bool kept = std::any_of(kKeptFloat.begin(), kKeptFloat.end(),
                                  [&](std::string_view part) { return name.find(part) != std::string::npos; });
    if (desc.shape.rank() < 2 || kept) return FormatChoice{&formats::f32(), std::nullopt};
    if (name == "token_embd.weight" || name == "output.weight") return fall_back(name, embedding(), desc.shape.back());
    return fall_back(name, *rules_.type, desc.shape.back());
  }

  Status check_all_used() const {
    for (size_t i = 0; i < compiled_.size(); ++i) {
      if (!compiled_[i].used)
        return fail(ErrorCode::kInvalidArgument, "tensor pattern \"" + printable(rules_.tensors[i].pattern) + "\"",
                    "no tensor's name matches it, or an earlier pattern took them all",
                    "list the names with 'trireme inspect'");
    }
    return {};
  }

 private:
  const Format& embedding() const {
    if (rules_.embedding) return *rules_.embedding;
    const std::string& type = rules_.type->name;
    return type == "Q4_0" || type == "Q4_1" || type == "Q4_K" ? *find_format("Q8_0") : *rules_.type;
  }

  Result<const Format*> find_rule(const std::string& name) {
    for (Rule& rule : compiled_) {
      std::vector<Span> matches;
      TRIREME_TRY(rule.matcher.find_all(name, matches));
      if (matches.empty()) continue;
      rule.used = true;
      return rule.format;
    }
    return nullptr;
  }

  static FormatChoice fall_back(const std::string& name, const Format& wanted, int64_t columns) {
    if (fits(wanted, columns)) return {&wanted, std::nullopt};
    const Format* used = &formats::f16();
    for (const auto& [from, to] : kFallbacks) {
      if (from == wanted.name && fits(*find_format(to), columns)) used = find_format(to);
    }
    return {used, Fallback{name, wanted.name, used->name, columns}};
  }

  const FormatRules& rules_;
  std::vector<Rule> compiled_;
};

}  // namespace

Result<const Format*> find_target_format(std::string_view name) {
  std::string upper(name);
  for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  const bool known =
      std::any_of(kFileTypes.begin(), kFileTypes.end(), [&](const auto& entry) { return entry.first == upper; });
  const Format* format = known ? find_format(upper) : nullptr;
  if (!format || !can_encode(*format))
    return fail(ErrorCode::kUnsupported, "type \"" + printable(name) + "\"", "files of this type cannot be made",
                "choose one of " + target_names());
  return format;
}

Result<std::vector<FormatChoice>> choose_formats(const FormatRules& rules, const std::vector<std::string>& names,
                                                 const std::vector<TensorDesc>& descs) {
  Chooser chooser(rules);
  TRIREME_TRY(chooser.compile());
  std::vector<FormatChoice> choices;
  for (size_t i = 0; i < names.size(); ++i) {
    TRIREME_ASSIGN(FormatChoice choice, chooser.choose(names[i], descs[i]));
    choices.push_back(std::move(choice));
  }
  TRIREME_TRY(chooser.check_all_used());
  return choices;
}

uint32_t gguf_file_type(const Format& format) {
  for (const auto& [name, id] : kFileTypes) {
    if (name == format.name) return id;
  }
  return 0;
}

}  // namespace trireme::runtime
