// The trireme program: parses the command line and runs one subcommand.
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <filesystem>

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"
#include "tools/context.h"
#include "tools/kernel_building.h"

namespace trireme::tools {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// CLI11's errors name an option and a colon first where one option is to blame.
Error usage_error(const CLI::App& app, const CLI::ParseError& error, std::string_view first_argument) {
  const auto chosen = app.get_subcommands();
  const std::string help = "see 'trireme " + (chosen.empty() ? "" : chosen[0]->get_name() + " ") + "--help'";
  if (chosen.empty() && !first_argument.empty() && first_argument[0] != '-')
    return Error(ErrorCode::kInvalidArgument, std::string(first_argument), "there is no such command", help);
  const std::string text = error.what();
  const size_t colon = text.find(": ");
  if (colon == std::string::npos || text.find(' ') < colon)
    return Error(ErrorCode::kInvalidArgument, "command line", text, help);
  // A validator's text may say what to do itself.
  const std::string why = text.substr(colon + 2);
  const size_t remedy = why.find("; ");
  return Error(ErrorCode::kInvalidArgument, text.substr(0, colon), why.substr(0, remedy),
               remedy == std::string::npos ? help : why.substr(remedy + 2));
}

int finish(const Status& status) {
  if (status) return kDone;
  note(error_line(status.error()));
  return kFailed;
}

// In the user's home; empty when the system knows none.
std::filesystem::path default_kernel_cache() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> text;
  if (getpwuid_r(getuid(), &entry, text.data(), text.size(), &found) != 0 || !found || !*found->pw_dir) return {};
  return std::filesystem::path(found->pw_dir) / ".cache" / "trireme" / "kernels";
}

void add_commands(CLI::App& app, Context& context) {
  for (const auto add :
       {add_devices_command, add_run_command, add_chat_command, add_logits_command, add_perplexity_command,
        add_tokenize_command, add_bench_command, add_plan_command, add_conformance_command, add_inspect_command,
        add_tune_command, add_quantize_command, add_completion_command})
    add(app, context);
  for (CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == "completion") continue;
    if (command->get_name() != "chat")
      command->add_flag("--json", context.json, "Print one JSON object on stdout, for programs");
    if (command->get_option_no_throw("--device") || command->get_name() == "devices") {
      command
          ->add_option("--opencl-library", context.opencl_library,
                       "OpenCL driver or loader to use instead of libOpenCL.so.1")
          ->type_name("PATH");
      command->add_option("--kernel-cache", context.kernel_cache, "Folder that keeps built kernels and what tune found")
          ->type_name("FOLDER")
          ->default_str(context.kernel_cache.string());
    }
    command
        ->add_option("--log", context.log_level, "What to tell on stderr of the work: off, error, warn, info or debug")
        ->transform(CLI::IsMember({"off", "error", "warn", "info", "debug"}, CLI::ignore_case))
        ->capture_default_str();
  }
}

int run(int argc, char** argv) {
  Context context;
  context.registry = built_in_backends();
  context.kernel_cache = default_kernel_cache();
  CLI::App app("Trireme runs language models on the accelerators that this machine has.", "trireme");
  app.require_subcommand(1);
  app.set_version_flag("--version", TRIREME_VERSION);
  app.footer(
      "Examples:\n  trireme devices\n  trireme run model.gguf -p \"The capital of France is\" -n 32\n"
      "  trireme chat model.gguf\n\n'trireme COMMAND --help' tells more about each.");
  add_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return finish(print(app.help()));
  } catch (const CLI::CallForVersion&) {
    return finish(print(TRIREME_VERSION "\n"));
  } catch (const CLI::ParseError& error) {
    note(error_line(usage_error(app, error, argc > 1 ? argv[1] : "")));
    return kWrongUsage;
  }
  start_log(context.log_level);
  if (!context.opencl_library.empty())
    if (const Status used = context.registry.use_library("opencl", context.opencl_library); !used) return finish(used);
  context.registry.compile_with(compiler::kernel_compiler(context.kernel_cache, build_options(context.opencl_library)));
  return finish(context.command());
}

}  // namespace
}  // namespace trireme::tools

int main(int argc, char** argv) {
  trireme::tools::prepare_streams();
  try {
    return trireme::tools::run(argc, argv);
  } catch (const std::bad_alloc&) {
    trireme::tools::note(
        "error: trireme: the memory is used up; use a smaller model, a shorter context or another device");
  } catch (const std::exception& error) {
    const trireme::Error unexpected(trireme::ErrorCode::kInternal, "trireme", error.what());
    trireme::tools::note(trireme::tools::error_line(unexpected));
  }
  return 1;
}
