// The trireme program: parses the command line and runs one subcommand.
#include <fmt/format.h>

#include <exception>

#include "backends/built_in.h"
#include "tools/context.h"

namespace trireme::tools {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int report(const Error& error) {
  fmt::print(stderr, "error: {}\n", error.message());
  return kFailed;
}

int run(int argc, char** argv) {
  Context context;
  context.registry = built_in_backends();
  CLI::App app("Trireme runs language models on the accelerators that this machine has.", "trireme");
  app.require_subcommand(1);
  app.set_version_flag("--version", TRIREME_VERSION);
  app.footer(
      "Examples:\n  trireme devices\n  trireme run model.gguf -p \"The capital of France is\" -n 32\n"
      "  trireme chat model.gguf\n\n'trireme COMMAND --help' tells more about each.");
  for (const auto add : {add_devices_command, add_run_command, add_chat_command, add_logits_command,
                         add_perplexity_command, add_tokenize_command, add_bench_command, add_plan_command,
                         add_inspect_command, add_quantize_command, add_completion_command})
    add(app, context);
  for (CLI::App* command : app.get_subcommands({}))
    command->add_flag("--json", context.json, "Print one JSON object on stdout, for programs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "error: command line: {}; see 'trireme {}--help'\n", error.what(),
               app.get_subcommands().empty() ? "" : app.get_subcommands()[0]->get_name() + " ");
    return kWrongUsage;
  }
  install_signal_handlers();
  const Status status = context.command();
  return status ? kDone : report(status.error());
}

}  // namespace
}  // namespace trireme::tools

int main(int argc, char** argv) {
  try {
    return trireme::tools::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: trireme: {}; please report this\n", error.what());
    return 1;
  }
}
