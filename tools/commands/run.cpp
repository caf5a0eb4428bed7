#include <fmt/format.h>

#include "runtime/conversation.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "runtime/tokenizer/utf8.h"
#include "tools/context.h"
#include "tools/sampling_flags.h"
#include "tools/text_stream.h"

namespace trireme::tools {
namespace {

struct RunFlags {
  std::string model;
  std::string prompt;
  int64_t context = 0;
  bool chat = false;
  StreamOptions stream;
  SamplingFlags sampling;
  DeviceFlags devices;
};

Result<std::vector<int32_t>> prompt_ids(const RunFlags& flags, const runtime::ModelFile& file,
                                        const runtime::Tokenizer& tokenizer) {
  if (!flags.chat) return tokenizer.encode(flags.prompt, {.add_bos = tokenizer.adds_bos()});
  TRIREME_ASSIGN(const runtime::ChatTemplate chat_template, runtime::load_chat_template(file));
  const nlohmann::ordered_json messages =
      nlohmann::ordered_json::array({{{"role", "user"}, {"content", runtime::replace_invalid_utf8(flags.prompt)}}});
  TRIREME_ASSIGN(const std::string text, runtime::render_conversation(chat_template, tokenizer, messages));
  // The template writes the beginning-of-text token itself.
  return tokenizer.encode(text);
}

// Whether the prompt can be read at all, before anything is loaded.
Status check_prompt(std::span<const int32_t> prompt, int64_t context) {
  if (prompt.empty())
    return fail(ErrorCode::kInvalidArgument, "prompt", "it has no tokens", "give a text of at least one token");
  if (int64_t(prompt.size()) > context)
    return fail(ErrorCode::kContextOverflow, "prompt",
                fmt::format("its {} tokens do not fit a context of {}", prompt.size(), context),
                "use a longer --context or a shorter text");
  return {};
}

Status report(const Context& context, const StreamedText& streamed, const std::vector<int32_t>& prompt,
              const OpenSession& open) {
  const runtime::Generation& generation = streamed.generation;
  const bool read = generation.stop != runtime::StopReason::kCancelled || !generation.ids.empty();
  const double prompt_rate = read ? double(prompt.size()) / std::max(generation.prompt_seconds, 1e-9) : 0;
  if (context.json)
    return print_json({{"prompt_ids", prompt},
                       {"ids", generation.ids},
                       {"text", streamed.text},
                       {"stop", reason_text(generation.stop)},
                       {"prompt_tokens_per_s", prompt_rate},
                       {"tokens_per_s", decode_rate(generation)},
                       {"devices", device_ids(open.plan)}});
  TRIREME_TRY(print("\n"));
  const size_t count = generation.ids.size();
  note(fmt::format(
      "[{} prompt tokens at {}/s, {} on {}; {}]", prompt.size(), format_rate(prompt_rate),
      count == 1 ? "1 token" : fmt::format("{} tokens at {}/s", count, format_rate(decode_rate(generation))),
      fmt::join(device_ids(open.plan), ","), reason_text(generation.stop)));
  return {};
}

Status run(const Context& context, const RunFlags& flags) {
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(const auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(const std::vector<int32_t> prompt, prompt_ids(flags, model->file(), *tokenizer));
  TRIREME_ASSIGN(const runtime::SamplerOptions sampling, sampler_options(model->file(), flags.sampling));
  TRIREME_ASSIGN(runtime::Sampler sampler, runtime::Sampler::create(sampling, model->hyperparameters().vocab));
  const int64_t made_for = model->hyperparameters().context_length;
  TRIREME_TRY(check_prompt(prompt, flags.context ? flags.context : made_for));
  runtime::SessionOptions options;
  options.context = flags.context ? flags.context : std::min(made_for, int64_t(prompt.size()) + flags.stream.tokens);
  const int64_t last_rows = flags.stream.tokens > 1 ? 1 : int64_t(prompt.size());
  TRIREME_ASSIGN(OpenSession open,
                 open_session(context, model, flags.devices, options, {int64_t(prompt.size()), last_rows}));
  TRIREME_ASSIGN(const runtime::SequenceId sequence, open.session->create_sequence());
  StreamOptions stream = flags.stream;
  stream.quiet = context.json;
  TRIREME_ASSIGN(const StreamedText streamed, stream_text(*open.session, sequence, prompt, tokenizer, sampler, stream));
  return report(context, streamed, prompt, open);
}

}  // namespace

void add_run_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("run", "Continue a text, or answer one message with --chat");
  auto flags = std::make_shared<RunFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("-p,--prompt", flags->prompt, "The text to continue; with --chat the user's message")->required();
  command->add_option("-n,--tokens", flags->stream.tokens, "Generate at most this many tokens")
      ->check(between(0, 1 << 24))
      ->capture_default_str();
  command->add_flag("--chat", flags->chat, "Take the prompt as one user message and use the model's chat template");
  command->add_flag("--ignore-eos", flags->stream.ignore_eos, "Go on after the model's end tokens");
  add_stop_flag(*command, flags->stream);
  command->add_option("--context", flags->context, "Tokens of the KV cache; default: the prompt and what is generated")
      ->check(between(1, 1 << 24));
  add_sampling_flags(*command, flags->sampling);
  add_device_flags(*command, flags->devices);
  command->footer(
      "Ctrl-C ends the text and shows the summary; pressed again it ends the program at once.\n\n"
      "Examples:\n  trireme run model.gguf -p \"The capital of France is\" -n 32\n"
      "  trireme run model.gguf --chat -p \"Write a haiku\" --temp 0.7 --seed 1\n"
      "  trireme run model.gguf -p \"Q: Who was Ada Lovelace? A:\" --stop \"Q:\" --json");
  command->callback([&context, flags] { context.command = [&context, flags] { return run(context, *flags); }; });
}

}  // namespace trireme::tools
