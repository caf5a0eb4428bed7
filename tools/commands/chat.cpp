#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "runtime/conversation.h"
#include "runtime/files/atomic_file.h"
#include "runtime/files/json.h"
#include "runtime/generate.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "runtime/tokenizer/streaming_decoder.h"
#include "tools/context.h"
#include "tools/sampling_flags.h"

namespace trireme::tools {
namespace {

constexpr const char* kHelp =
    "/clear        forget the conversation\n"
    "/save FILE    write the conversation to a file\n"
    "/load FILE    go on with a conversation that was saved\n"
    "/stats        tokens in the context, speed of the last answer, memory\n"
    "/help         this list\n"
    "/exit         leave (also Ctrl-D)\n"
    "A line that ends with \\ goes on in the next one; \"\"\" begins and ends a text of several lines.\n"
    "Ctrl-C stops an answer.\n";

struct ChatFlags {
  std::string model;
  std::string system;
  int64_t tokens = 1024;
  int64_t context = 4096;
  SamplingFlags sampling;
  DeviceFlags devices;
};

// One conversation with the cache that holds what of it was computed already.
class Chat {
 public:
  Chat(OpenSession open, std::shared_ptr<const runtime::Tokenizer> tokenizer, runtime::ChatTemplate chat_template,
       runtime::Sampler sampler, const ChatFlags& flags)
      : open_(std::move(open)),
        tokenizer_(std::move(tokenizer)),
        template_(std::move(chat_template)),
        sampler_(std::move(sampler)),
        flags_(flags) {}

  Status start() {
    TRIREME_ASSIGN(sequence_, open_.session->create_sequence());
    clear();
    return {};
  }

  void clear() {
    messages_ = nlohmann::ordered_json::array();
    if (!flags_.system.empty()) messages_.push_back({{"role", "system"}, {"content", flags_.system}});
  }

  Status save(const std::string& path) const {
    TRIREME_ASSIGN(runtime::AtomicFile file, runtime::AtomicFile::create(path));
    TRIREME_TRY(file.write(std::string_view(nlohmann::ordered_json({{"messages", messages_}}).dump(1) + "\n")));
    return file.commit();
  }

  Status load(const std::string& path) {
    TRIREME_ASSIGN(const nlohmann::json file, runtime::read_json(path));
    const auto found = file.is_object() ? file.find("messages") : file.end();
    if (!file.is_object() || found == file.end() || !found->is_array())
      return fail(ErrorCode::kCorruptData, path, "it holds no list of messages", "give a file that /save wrote");
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const auto& message : *found) {
      if (!message.is_object() || !message.contains("role") || !message["role"].is_string() ||
          !message.contains("content") || !message["content"].is_string())
        return fail(ErrorCode::kCorruptData, path, "a message lacks a role or a content", "give a file that /save wrote");
      messages.push_back({{"role", message["role"]}, {"content", message["content"]}});
    }
    messages_ = std::move(messages);
    return {};
  }

  // Answers the user's message; an error leaves the conversation as it was.
  Status answer(const std::string& text) {
    messages_.push_back({{"role", "user"}, {"content", text}});
    Result<std::string> reply = generate_reply();
    if (!reply) {
      messages_.erase(messages_.size() - 1);
      return fail(std::move(reply).error());
    }
    messages_.push_back({{"role", "assistant"}, {"content", *reply}});
    return {};
  }

  Status stats() const {
    std::string text = fmt::format("context     {} of {} tokens\n", cached_.size(), open_.session->context());
    text += fmt::format("last answer {} tokens at {}/s, after a prompt of {} tokens in {:.2f} s\n", last_.ids.size(),
                        format_rate(last_.decode_seconds > 0 ? double(last_.ids.size() - 1) / last_.decode_seconds : 0),
                        last_prompt_, last_.prompt_seconds);
    for (const runtime::DeviceMemory& memory : open_.session->memory())
      text += fmt::format("{:<11} weights {}, KV cache {}, step {}\n", memory.device,
                          format_bytes(memory.weight_bytes + memory.mapped_weight_bytes), format_bytes(memory.kv_bytes),
                          format_bytes(memory.step_bytes));
    return print(text);
  }

 private:
  Result<std::string> generate_reply() {
    TRIREME_ASSIGN(const std::string rendered, runtime::render_conversation(template_, *tokenizer_, messages_));
    TRIREME_ASSIGN(const std::vector<int32_t> ids, tokenizer_->encode(rendered));
    // The cache keeps what both have in common; at least one token must be computed for its logits.
    size_t common = 0;
    while (common < cached_.size() && common + 1 < ids.size() && cached_[common] == ids[common]) ++common;
    TRIREME_TRY(open_.session->truncate(sequence_, int64_t(common)));
    cached_.resize(common);
    const std::span<const int32_t> rest = std::span(ids).subspan(common);
    runtime::StreamingDecoder decoder(tokenizer_, true);
    std::string text;
    Status printed;
    const auto emit = [&](const std::string& piece) {
      text += piece;
      if (printed) printed = print(piece);
    };
    runtime::GenerateOptions options;
    options.max_tokens = flags_.tokens;
    options.end_ids = tokenizer_->end_ids();
    options.cancelled = [&] { return interrupted() || !printed; };
    TRIREME_ASSIGN(last_, runtime::generate(*open_.session, sequence_, rest, sampler_, options,
                                            [&](int32_t token) { emit(decoder.push(token)); }));
    emit(decoder.finish());
    TRIREME_TRY(printed);
    last_prompt_ = rest.size();
    cached_.insert(cached_.end(), rest.begin(), rest.end());
    cached_.insert(cached_.end(), last_.ids.begin(), last_.ids.end());
    TRIREME_ASSIGN(const int64_t length, open_.session->length(sequence_));
    cached_.resize(size_t(length));
    if (last_.stop == runtime::StopReason::kContext) note("\n[the context is full; /clear begins anew]");
    return text;
  }

  OpenSession open_;
  std::shared_ptr<const runtime::Tokenizer> tokenizer_;
  runtime::ChatTemplate template_;
  runtime::Sampler sampler_;
  ChatFlags flags_;
  runtime::SequenceId sequence_ = 0;
  nlohmann::ordered_json messages_;
  std::vector<int32_t> cached_;  // the tokens whose keys and values the sequence holds
  runtime::Generation last_;
  size_t last_prompt_ = 0;
};

// One message of the user's, which may span lines. False at the end of the input.
bool read_message(bool terminal, std::string& message) {
  message.clear();
  std::string line;
  bool quoted = false;
  while (true) {
    if (terminal) fmt::print(stderr, "{}", message.empty() && !quoted ? "\n> " : ". ");
    if (!std::getline(std::cin, line)) return !message.empty();
    if (!quoted && message.empty() && line.starts_with("\"\"\"")) {
      quoted = true;
      line.erase(0, 3);
    }
    if (quoted) {
      const size_t end = line.find("\"\"\"");
      message += line.substr(0, end);
      if (end != std::string::npos) return true;
      message += '\n';
    } else if (line.ends_with('\\')) {
      message += line.substr(0, line.size() - 1) + '\n';
    } else {
      message += line;
      return true;
    }
  }
}

Status obey(Chat& chat, const std::string& line) {
  const size_t space = line.find(' ');
  const std::string command = line.substr(0, space);
  const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (command == "/clear") {
    chat.clear();
    return {};
  }
  if (command == "/stats") return chat.stats();
  if (command == "/help") return print(kHelp);
  if (command != "/save" && command != "/load")
    return fail(ErrorCode::kInvalidArgument, command, "there is no such command", "see /help");
  if (argument.empty()) return fail(ErrorCode::kInvalidArgument, command, "it needs a file", "write " + command + " FILE");
  return command == "/save" ? chat.save(argument) : chat.load(argument);
}

Status chat(const Context& context, const ChatFlags& flags) {
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(runtime::ChatTemplate chat_template, runtime::load_chat_template(model->file()));
  TRIREME_ASSIGN(const runtime::SamplerOptions sampling, sampler_options(model->file(), flags.sampling));
  TRIREME_ASSIGN(runtime::Sampler sampler, runtime::Sampler::create(sampling, model->hyperparameters().vocab));
  runtime::SessionOptions options;
  options.context = std::min(flags.context, model->hyperparameters().context_length);
  TRIREME_ASSIGN(OpenSession open, open_session(context, model, flags.devices, options));
  Chat conversation(std::move(open), std::move(tokenizer), std::move(chat_template), std::move(sampler), flags);
  TRIREME_TRY(conversation.start());
  const bool terminal = isatty(STDIN_FILENO) == 1;
  if (terminal) note("Type a message; /help lists the commands, Ctrl-D leaves.");
  std::string message;
  while (read_message(terminal, message)) {
    if (message.empty()) continue;
    if (message == "/exit" || message == "/quit") break;
    clear_interrupt();
    const Status status = message[0] == '/' ? obey(conversation, message) : conversation.answer(message);
    if (!status && status.error().code() == ErrorCode::kIo && status.error().what() == "standard output") return status;
    if (!status) note("error: " + status.error().message());
    if (status && message[0] != '/') TRIREME_TRY(print("\n"));
  }
  return {};
}

}  // namespace

void add_chat_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("chat", "Talk with a model, using its own chat template");
  auto flags = std::make_shared<ChatFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("--system", flags->system, "A system message to begin with");
  command->add_option("-n,--tokens", flags->tokens, "The longest answer")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_option("--context", flags->context, "Tokens of the KV cache, at most as many as the model was made for")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  add_sampling_flags(*command, flags->sampling);
  add_device_flags(*command, flags->devices);
  command->footer("Example:\n  trireme chat model.gguf --temp 0.7\n\nIn the conversation:\n" + std::string(kHelp));
  command->callback([&context, flags] { context.command = [&context, flags] { return chat(context, *flags); }; });
}

}  // namespace trireme::tools
