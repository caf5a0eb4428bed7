#include <algorithm>

#include "runtime/tokenizer/load_tokenizer.h"
#include "runtime/tokenizer/utf8.h"
#include "tools/chat_session.h"
#include "tools/line_reader.h"
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
    "Ctrl-C stops an answer and keeps the conversation, or drops the line that you are writing.\n";

struct ChatFlags {
  std::string model;
  std::string system;
  int64_t context = 4096;
  StreamOptions stream = {.tokens = 1024};
  SamplingFlags sampling;
  DeviceFlags devices;
};

// One message of the user's, which may span lines; what came before the end of the input counts.
Line read_message(LineReader& reader, std::string& message) {
  message.clear();
  std::string line;
  bool quoted = false;
  bool first = true;
  while (true) {
    const Line kind = reader.read(first ? "> " : ". ", line);
    if (kind == Line::kInterrupted) return kind;
    if (kind == Line::kEnd) return message.empty() ? kind : Line::kText;
    if (first && line.starts_with("\"\"\"")) {
      quoted = true;
      line.erase(0, 3);
    }
    first = false;
    const size_t end = quoted ? line.find("\"\"\"") : std::string::npos;
    if (end != std::string::npos) {
      message += line.substr(0, end);
      return Line::kText;
    }
    const bool goes_on = quoted || line.ends_with('\\');
    if (!quoted && goes_on) line.pop_back();
    message += line;
    if (!goes_on) return Line::kText;
    message += '\n';
  }
}

Status obey(ChatSession& session, const std::string& line) {
  const size_t space = line.find(' ');
  const std::string command = line.substr(0, space);
  const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (command == "/clear") {
    TRIREME_TRY(session.clear());
    note("[the conversation is forgotten]");
    return {};
  }
  if (command == "/stats") return print(session.stats());
  if (command == "/help") return print(kHelp);
  if (command != "/save" && command != "/load")
    return fail(ErrorCode::kInvalidArgument, command, "there is no such command", "see /help");
  if (argument.empty())
    return fail(ErrorCode::kInvalidArgument, command, "it needs a file", "write " + command + " FILE");
  TRIREME_TRY(command == "/save" ? session.save(argument) : session.load(argument));
  note("[" + std::to_string(session.messages()) + " messages " + (command == "/save" ? "written to " : "read from ") +
       argument + "]");
  return {};
}

Result<ChatSession> open_chat(const Context& context, const ChatFlags& flags) {
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(runtime::ChatTemplate chat_template, runtime::load_chat_template(model->file()));
  TRIREME_ASSIGN(const runtime::SamplerOptions sampling, sampler_options(model->file(), flags.sampling));
  runtime::SessionOptions options;
  options.context = std::min(flags.context, model->hyperparameters().context_length);
  TRIREME_ASSIGN(OpenSession open, open_session(context, model, flags.devices, options, {1}));
  return ChatSession::create({std::move(open), std::move(tokenizer), std::move(chat_template), sampling,
                              runtime::replace_invalid_utf8(flags.system), flags.stream});
}

Status chat(const Context& context, const ChatFlags& flags) {
  TRIREME_ASSIGN(ChatSession session, open_chat(context, flags));
  LineReader reader;
  if (reader.on_terminal()) note("Type a message; /help lists the commands, Ctrl-D leaves.");
  std::string message;
  while (true) {
    clear_interrupt();  // of the answer before
    const Line kind = read_message(reader, message);
    clear_interrupt();
    if (kind == Line::kEnd || (kind == Line::kInterrupted && !reader.on_terminal())) return {};
    if (kind == Line::kInterrupted || message.find_first_not_of(" \t\n") == std::string::npos) continue;
    if (message == "/exit" || message == "/quit") return {};
    const Status status = message[0] == '/' ? obey(session, message) : session.answer(message);
    if (status) continue;
    if (status.error().what() == kStandardOutput) return status;
    note(error_line(status.error()));
  }
}

}  // namespace

void add_chat_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("chat", "Talk with a model, using its own chat template");
  auto flags = std::make_shared<ChatFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("--system", flags->system, "A system message to begin with");
  command->add_option("-n,--tokens", flags->stream.tokens, "The longest answer")
      ->check(between(1, 1 << 24))
      ->capture_default_str();
  add_stop_flag(*command, flags->stream);
  command->add_option("--context", flags->context, "Tokens of the KV cache, at most as many as the model was made for")
      ->check(between(1, 1 << 24))
      ->capture_default_str();
  add_sampling_flags(*command, flags->sampling);
  add_device_flags(*command, flags->devices);
  command->footer("Example:\n  trireme chat model.gguf --temp 0.7\n\nIn the conversation:\n" + std::string(kHelp));
  command->callback([&context, flags] { context.command = [&context, flags] { return chat(context, *flags); }; });
}

}  // namespace trireme::tools
