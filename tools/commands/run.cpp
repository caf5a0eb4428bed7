#include <fmt/format.h>

#include "runtime/conversation.h"
#include "runtime/generate.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "runtime/tokenizer/streaming_decoder.h"
#include "tools/context.h"
#include "tools/sampling_flags.h"

namespace trireme::tools {
namespace {

struct RunFlags {
  std::string model;
  std::string prompt;
  int64_t tokens = 128;
  int64_t context = 0;
  bool chat = false;
  bool ignore_eos = false;
  SamplingFlags sampling;
  DeviceFlags devices;
};

Result<std::vector<int32_t>> prompt_ids(const RunFlags& flags, const runtime::ModelFile& file,
                                        const runtime::Tokenizer& tokenizer) {
  if (!flags.chat) return tokenizer.encode(flags.prompt, {.add_bos = tokenizer.adds_bos()});
  TRIREME_ASSIGN(const runtime::ChatTemplate chat_template, runtime::load_chat_template(file));
  const nlohmann::ordered_json messages =
      nlohmann::ordered_json::array({{{"role", "user"}, {"content", flags.prompt}}});
  TRIREME_ASSIGN(const std::string text, runtime::render_conversation(chat_template, tokenizer, messages));
  // The template writes the beginning-of-text token itself.
  return tokenizer.encode(text);
}

const char* reason_text(runtime::StopReason reason) {
  switch (reason) {
    case runtime::StopReason::kEnd: return "end of text";
    case runtime::StopReason::kLimit: return "limit of tokens";
    case runtime::StopReason::kContext: return "context is full";
    case runtime::StopReason::kCancelled: return "interrupted";
  }
  return "";
}

double rate(double tokens, double seconds) {
  return seconds > 0 ? tokens / seconds : 0;
}

Status report(const Context& context, const runtime::Generation& generation, std::span<const int32_t> prompt,
              const std::string& text, const OpenSession& open) {
  const double prompt_rate = rate(double(prompt.size()), generation.prompt_seconds);
  const double decode_rate = rate(double(generation.ids.size()) - 1, generation.decode_seconds);
  if (context.json)
    return print_json({{"prompt_ids", std::vector<int32_t>(prompt.begin(), prompt.end())},
                       {"ids", generation.ids},
                       {"text", text},
                       {"stop", reason_text(generation.stop)},
                       {"prompt_tokens_per_s", prompt_rate},
                       {"tokens_per_s", decode_rate},
                       {"devices", device_ids(open.plan)}});
  TRIREME_TRY(print("\n"));
  note(fmt::format("[{} prompt tokens at {}/s, {} tokens at {}/s on {}; {}]", prompt.size(), format_rate(prompt_rate),
                   generation.ids.size(), format_rate(decode_rate), fmt::join(device_ids(open.plan), ","),
                   reason_text(generation.stop)));
  return {};
}

Status run(const Context& context, const RunFlags& flags) {
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(const auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(const std::vector<int32_t> prompt, prompt_ids(flags, model->file(), *tokenizer));
  TRIREME_ASSIGN(const runtime::SamplerOptions sampling, sampler_options(model->file(), flags.sampling));
  runtime::SessionOptions options;
  const int64_t made_for = model->hyperparameters().context_length;
  options.context = flags.context ? flags.context : std::min(made_for, int64_t(prompt.size()) + flags.tokens);
  TRIREME_ASSIGN(OpenSession open, open_session(context, model, flags.devices, options));
  TRIREME_ASSIGN(runtime::Sampler sampler, runtime::Sampler::create(sampling, model->hyperparameters().vocab));
  TRIREME_ASSIGN(const runtime::SequenceId sequence, open.session->create_sequence());
  runtime::GenerateOptions generation_options;
  generation_options.max_tokens = flags.tokens;
  if (!flags.ignore_eos) generation_options.end_ids = tokenizer->end_ids();
  runtime::StreamingDecoder decoder(tokenizer, true);
  std::string text;
  Status printed;
  const auto emit = [&](const std::string& piece) {
    text += piece;
    if (!context.json && printed) printed = print(piece);
  };
  generation_options.cancelled = [&] { return interrupted() || !printed; };
  TRIREME_ASSIGN(const runtime::Generation generation,
                 runtime::generate(*open.session, sequence, prompt, sampler, generation_options,
                                   [&](int32_t token) { emit(decoder.push(token)); }));
  emit(decoder.finish());
  TRIREME_TRY(printed);
  return report(context, generation, prompt, text, open);
}

}  // namespace

void add_run_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("run", "Continue a text, or answer one message with --chat");
  auto flags = std::make_shared<RunFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("-p,--prompt", flags->prompt, "The text to continue; with --chat the user's message")->required();
  command->add_option("-n,--tokens", flags->tokens, "Generate at most this many tokens")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_flag("--chat", flags->chat, "Take the prompt as one user message and use the model's chat template");
  command->add_flag("--ignore-eos", flags->ignore_eos, "Go on after the model's end tokens");
  command->add_option("--context", flags->context, "Tokens of the KV cache; default: the prompt and what is generated")
      ->check(CLI::Range(1, 1 << 24));
  add_sampling_flags(*command, flags->sampling);
  add_device_flags(*command, flags->devices);
  command->footer(
      "Examples:\n  trireme run model.gguf -p \"The capital of France is\" -n 32\n"
      "  trireme run model.gguf --chat -p \"Write a haiku\" --temp 0.7 --seed 1");
  command->callback([&context, flags] { context.command = [&context, flags] { return run(context, *flags); }; });
}

}  // namespace trireme::tools
