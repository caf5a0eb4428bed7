#include "tools/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace trireme::tools {
namespace {

struct Argument {
  std::vector<std::string> names;  // "-n", "--tokens"; empty for a positional
  std::string value;               // what --help calls its value; empty for a flag
  std::string description;
  bool file = false;  // the value is the name of a file
};

struct Command {
  std::string name;
  std::string description;
  std::vector<Argument> arguments;
};

bool names_file(std::string_view value) {
  return value == "MODEL" || value == "FILE" || value == "IN" || value == "OUT";
}

Argument describe(const CLI::Option& option) {
  Argument argument;
  for (const std::string& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) argument.names.push_back("--" + name);
  if (argument.names.empty())
    argument.value = option.get_name(true);
  else if (option.get_items_expected_max() > 0)
    argument.value = option.get_type_name();
  argument.description = option.get_description();
  argument.file = names_file(argument.value);
  return argument;
}

Command describe(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), {}};
  for (const CLI::Option* option : app.get_options()) command.arguments.push_back(describe(*option));
  return command;
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(describe(*command));
  return commands;
}

bool takes_files(const Command& command) {
  return std::ranges::any_of(command.arguments,
                             [](const Argument& argument) { return argument.names.empty() && argument.file; });
}

// The text with a backslash before each of `characters`.
std::string escape(std::string_view text, std::string_view characters) {
  std::string escaped;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// One word for a shell: within single quotes, each of which in the text becomes '\''.
std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The options of `command` as cases of bash: those whose value is a file, then those of any other value.
std::string bash_values(const Command& command) {
  std::string cases;
  for (const bool file : {true, false}) {
    std::vector<std::string> patterns;
    for (const Argument& argument : command.arguments)
      for (const std::string& name : argument.names)
        if (!argument.value.empty() && argument.file == file) patterns.push_back(quote(command.name + " " + name));
    if (!patterns.empty())
      cases += fmt::format("    {}) {} return ;;\n", fmt::join(patterns, "|"), file ? "_trireme_files;" : "");
  }
  return cases;
}

std::string bash_script(const Command& program, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  std::string words;
  std::string values;
  const auto add = [&](const Command& command, std::string_view pattern, std::vector<std::string> choices) {
    for (const Argument& argument : command.arguments)
      choices.insert(choices.end(), argument.names.begin(), argument.names.end());
    words += fmt::format("    {}) words={} files={} ;;\n", pattern, quote(fmt::format("{}", fmt::join(choices, " "))),
                         int(takes_files(command)));
  };
  for (const Command& command : commands) names.push_back(command.name);
  add(program, "''", names);
  for (const Command& command : commands) {
    add(command, command.name, {});
    values += bash_values(command);
  }
  return fmt::format(R"(# Completion of {0} for bash.
_trireme_files() {{
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}}

_trireme() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command='' word words files
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in {1}) command=$word; break ;; esac
  done
  case "$command $previous" in
{2}  esac
  case $command in
{3}  esac
  if [[ $files = 1 && $current != -* ]]; then
    _trireme_files
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}}
complete -F _trireme {0}
)",
                     program.name, fmt::join(names, "|"), values, words);
}

std::string zsh_script(const Command& program, const std::vector<Command>& commands) {
  const auto arguments = [](const Command& command) {
    std::string text;
    for (const Argument& argument : command.arguments) {
      const std::string action = argument.file ? "_files" : " ";
      const std::string value =
          argument.value.empty() ? "" : fmt::format(":{}:{}", escape(argument.value, ":[]"), action);
      if (argument.names.empty()) text += fmt::format(" \\\n      {}", quote(value));
      for (const std::string& name : argument.names)
        text += fmt::format(" \\\n      {}", quote(fmt::format("({}){}[{}]{}", fmt::join(argument.names, " "), name,
                                                               escape(argument.description, "[]:"), value)));
    }
    return text;
  };
  std::string names;
  std::string cases;
  for (const Command& command : commands) {
    names += fmt::format("        {}\n", quote(escape(command.name, ":") + ":" + command.description));
    cases += fmt::format("    {}) _arguments -s{} ;;\n", command.name, arguments(command));
  }
  return fmt::format(R"(#compdef {0}
# Completion of {0} for zsh.
_trireme() {{
  local state line
  _arguments -C{1} \
      '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
{2}      )
      _describe command commands
      return ;;
    arguments) ;;
    *) return ;;
  esac
  case $line[1] in
{3}  esac
}}
if [ "$funcstack[1]" = _trireme ]; then _trireme "$@"; else compdef _trireme {0}; fi
)",
                     program.name, arguments(program), names, cases);
}

std::string fish_script(const Command& program, const std::vector<Command>& commands) {
  const auto word = [](std::string_view text) { return "'" + escape(text, "'\\") + "'"; };
  std::string lines = fmt::format("# Completion of {0} for fish.\ncomplete -c {0} -f\n", program.name);
  const auto options = [&](const Command& command, const std::string& condition) {
    for (const Argument& argument : command.arguments) {
      lines += fmt::format("complete -c {} -n {}", program.name, word(condition));
      for (const std::string& name : argument.names)
        lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!argument.value.empty() && !argument.names.empty()) lines += argument.file ? " -r" : " -x";
      if (argument.file) lines += " -F";
      if (!argument.names.empty()) lines += " -d " + word(argument.description);
      lines += "\n";
    }
  };
  options(program, "__fish_use_subcommand");
  for (const Command& command : commands) {
    lines += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", program.name, command.name,
                         word(command.description));
    options(command, "__fish_seen_subcommand_from " + command.name);
  }
  return lines;
}

}  // namespace

std::string completion_script(const CLI::App& app, Shell shell) {
  const Command program = describe(app);
  const std::vector<Command> commands = commands_of(app);
  switch (shell) {
    case Shell::kBash: return bash_script(program, commands);
    case Shell::kZsh: return zsh_script(program, commands);
    case Shell::kFish: return fish_script(program, commands);
  }
  return {};
}

}  // namespace trireme::tools
