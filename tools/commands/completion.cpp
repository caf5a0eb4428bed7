#include "tools/completion.h"

#include "tools/context.h"

namespace trireme::tools {

void add_completion_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion", "Print what makes a shell complete this program's commands");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n  source <(trireme completion bash)\n"
      "  trireme completion zsh > ~/.zfunc/_trireme\n"
      "  trireme completion fish > ~/.config/fish/completions/trireme.fish");
  command->callback([&app, &context, shell] {
    context.command = [&app, &context, shell]() -> Status {
      const Shell kind = *shell == "bash" ? Shell::kBash : *shell == "zsh" ? Shell::kZsh : Shell::kFish;
      const std::string script = completion_script(app, kind);
      return context.json ? print_json({{"shell", *shell}, {"script", script}}) : print(script);
    };
  });
}

}  // namespace trireme::tools
