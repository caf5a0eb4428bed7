#include "runtime/convert/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

struct QuantizeFlags {
  std::string in;
  std::string out;
  std::string type;
  std::string embedding_type;
  std::vector<std::string> tensor_types;  // "PATTERN=TYPE"
  int threads = 0;
};

using TensorRule = decltype(runtime::FormatRules::tensors)::value_type;

Result<TensorRule> parse_tensor_rule(const std::string& rule) {
  const size_t equals = rule.rfind('=');
  if (equals == std::string::npos || equals == 0)
    return fail(ErrorCode::kInvalidArgument, "'" + rule + "'", "it is not PATTERN=TYPE",
                "write it like 'ffn_down=Q6_K'");
  TRIREME_ASSIGN(const Format* format, runtime::find_target_format(rule.substr(equals + 1)));
  return TensorRule{rule.substr(0, equals), format};
}

Result<runtime::FormatRules> read_rules(const QuantizeFlags& flags) {
  runtime::FormatRules rules;
  TRIREME_ASSIGN(rules.type, runtime::find_target_format(flags.type));
  if (!flags.embedding_type.empty()) {
    TRIREME_ASSIGN(rules.embedding, runtime::find_target_format(flags.embedding_type));
  }
  for (const std::string& rule : flags.tensor_types) {
    TRIREME_ASSIGN(TensorRule parsed, parse_tensor_rule(rule));
    rules.tensors.push_back(std::move(parsed));
  }
  return rules;
}

nlohmann::ordered_json json_of(const QuantizeFlags& flags, const std::string& type,
                               const runtime::QuantizeSummary& summary) {
  nlohmann::ordered_json fallbacks = nlohmann::ordered_json::array();
  for (const runtime::Fallback& one : summary.fallbacks)
    fallbacks.push_back({{"tensor", one.tensor}, {"wanted", one.wanted}, {"used", one.used}, {"columns", one.columns}});
  return {{"in", flags.in},
          {"out", flags.out},
          {"type", type},
          {"tensors", summary.tensors},
          {"bytes_in", summary.bytes_in},
          {"bytes_out", summary.bytes_out},
          {"fallbacks", fallbacks}};
}

std::string text_of(const QuantizeFlags& flags, const std::string& type, const runtime::QuantizeSummary& summary) {
  std::string text = fmt::format("{}: {}, {} tensors, {} -> {}\n", flags.out, type, summary.tensors,
                                 format_bytes(summary.bytes_in), format_bytes(summary.bytes_out));
  std::map<std::string, std::vector<std::string>> groups;
  for (const runtime::Fallback& one : summary.fallbacks)
    groups[fmt::format("{} instead of {}, rows of {}", one.used, one.wanted, one.columns)].push_back(one.tensor);
  for (const auto& [what, tensors] : groups) {
    text += fmt::format("{}: {} tensor{}:", what, tensors.size(), tensors.size() == 1 ? "" : "s");
    for (const std::string& tensor : tensors) text += " " + tensor;
    text += "\n";
  }
  return text;
}

Status quantize(const Context& context, const QuantizeFlags& flags) {
  runtime::QuantizeOptions options;
  TRIREME_ASSIGN(options.rules, read_rules(flags));
  options.threads = flags.threads > 0 ? flags.threads : int(std::max(1u, std::thread::hardware_concurrency()));
  std::unique_ptr<Progress> progress;
  options.progress = [&](uint64_t done, uint64_t total) -> Status {
    constexpr uint64_t kMebibyte = uint64_t{1} << 20;
    if (!progress) progress = std::make_unique<Progress>("quantize", int64_t(total / kMebibyte), "MiB");
    progress->update(int64_t(done / kMebibyte));
    if (interrupted()) return fail(ErrorCode::kCancelled, "quantize", "it was interrupted", "start it again");
    return {};
  };
  auto summary = runtime::quantize(flags.in, flags.out, options);
  progress.reset();
  if (!summary) return fail(std::move(summary).error());
  for (const std::string& one : summary->notes) note("note: " + one);
  const std::string& type = options.rules.type->name;
  if (context.json) return print_json(json_of(flags, type, *summary));
  return print(text_of(flags, type, *summary));
}

}  // namespace

void add_quantize_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("quantize", "Write a model as a GGUF file in another type");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("IN", flags->in, "GGUF file or Hugging Face folder")->required();
  command->add_option("OUT", flags->out, "GGUF file to write; an existing one is replaced when the new one is complete")
      ->required();
  command
      ->add_option("--type", flags->type,
                   "Of the matrices: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q6_K; also Q5_0, Q5_1, Q2_K, Q3_K, Q5_K. "
                   "Vectors are F32")
      ->required()
      ->check(parsed_by(runtime::find_target_format));
  command
      ->add_option("--embedding-type", flags->embedding_type,
                   "Of token_embd and output; default: Q8_0 with Q4_0, Q4_1 and Q4_K, else as --type")
      ->check(parsed_by(runtime::find_target_format));
  command
      ->add_option("--tensor-type", flags->tensor_types,
                   "PATTERN=TYPE: a type for the tensors whose name the regular expression finds; may be given "
                   "several times, the first match counts")
      ->allow_extra_args(false)
      ->check(parsed_by(parse_tensor_rule));
  command->add_option("--threads", flags->threads, "Threads; 0: all; the file is the same with any number")
      ->check(between(0, 1024))
      ->capture_default_str();
  command->footer(
      "Where rows are not a multiple of 256, Q4_K becomes Q5_0, Q6_K becomes Q8_0, Q5_K Q5_1, Q3_K and Q2_K Q4_0; "
      "where\n"
      "they are not a multiple of 32, F16. Each of these is told.\n\n"
      "Examples:\n  trireme quantize model-folder model.gguf --type Q8_0\n"
      "  trireme quantize model.gguf small.gguf --type Q4_K --tensor-type 'ffn_down=Q6_K' --tensor-type 'attn_v=Q6_K'");
  command->callback([&context, flags] { context.command = [&context, flags] { return quantize(context, *flags); }; });
}

}  // namespace trireme::tools
