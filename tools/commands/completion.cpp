#include <fmt/format.h>

#include "tools/context.h"

namespace trireme::tools {
namespace {

std::string option_words(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_snames()) words += " -" + name;
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  }
  return words;
}

std::string command_words(const CLI::App& program) {
  std::string words;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; }))
    words += " " + command->get_name();
  return words;
}

// Options after a dash, subcommands first, file names elsewhere.
std::string bash_script(const CLI::App& program) {
  std::string cases;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; }))
    cases += fmt::format("    {}) words='{}' ;;\n", command->get_name(), option_words(*command).substr(1));
  return fmt::format(
      "_trireme() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words='{}'\n"
      "  COMPREPLY=()\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}"
      "  esac\n"
      "  [[ $COMP_CWORD -gt 1 ]] || words='{} --help --version'\n"
      "  if [[ $COMP_CWORD -eq 1 || $current == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o default -F _trireme trireme\n",
      "--help", cases, command_words(program).substr(1));
}

std::string zsh_script(const CLI::App& program) {
  return "autoload -U +X bashcompinit && bashcompinit\n" + bash_script(program);
}

std::string fish_quoted(std::string text) {
  for (size_t at = 0; (at = text.find_first_of("\\'", at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
  return "'" + text + "'";
}

std::string fish_script(const CLI::App& program) {
  std::string script;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string& name = command->get_name();
    script += fmt::format("complete -c trireme -n __fish_use_subcommand -f -a {} -d {}\n", name,
                          fish_quoted(command->get_description()));
    for (const CLI::Option* option : command->get_options()) {
      std::string names;
      for (const std::string& one : option->get_snames()) names += " -s " + one;
      for (const std::string& one : option->get_lnames()) names += " -l " + one;
      if (names.empty()) continue;
      script += fmt::format("complete -c trireme -n '__fish_seen_subcommand_from {}'{}{} -d {}\n", name, names,
                            option->get_items_expected_max() > 0 ? " -r" : "", fish_quoted(option->get_description()));
    }
  }
  return script;
}

}  // namespace

void add_completion_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes commands and options in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n  source <(trireme completion bash)\n"
      "  trireme completion fish > ~/.config/fish/completions/trireme.fish");
  command->callback([&app, &context, shell] {
    context.command = [&app, shell] {
      return print(*shell == "bash" ? bash_script(app) : *shell == "zsh" ? zsh_script(app) : fish_script(app));
    };
  });
}

}  // namespace trireme::tools
