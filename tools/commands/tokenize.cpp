#include <fmt/format.h>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/load_tokenizer.h"
#include "tools/context.h"

namespace trireme::tools {
namespace {

struct TokenizeFlags {
  std::string model;
  std::string text;
};

Status tokenize(const Context& context, const TokenizeFlags& flags) {
  TRIREME_ASSIGN(const runtime::ModelFile file, runtime::ModelFile::open(flags.model));
  TRIREME_ASSIGN(const auto tokenizer, runtime::load_tokenizer(file));
  TRIREME_ASSIGN(const std::vector<int32_t> ids, tokenizer->encode(flags.text));
  if (context.json) return print_json({{"ids", ids}});
  std::string text;
  for (const int32_t id : ids) text += fmt::format("{:>8}  {}\n", id, runtime::printable(tokenizer->token_text(id)));
  return print(text);
}

}  // namespace

void add_tokenize_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("tokenize", "Show the token ids of a text");
  auto flags = std::make_shared<TokenizeFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("TEXT", flags->text, "The text; special tokens in it are recognised, none is added")->required();
  command->footer("Example:\n  trireme tokenize model.gguf \"Hello world\" --json");
  command->callback([&context, flags] { context.command = [&context, flags] { return tokenize(context, *flags); }; });
}

}  // namespace trireme::tools
