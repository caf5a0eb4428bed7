// Completion scripts for shells, written from the command line's own description, so that they know every option.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace trireme::tools {

enum class Shell : uint8_t { kBash, kZsh, kFish };

// The script that completes `app`, its subcommands and their options. Arguments and options whose value is named MODEL,
// FILE, IN or OUT are completed with the names of files, other values with nothing.
std::string completion_script(const CLI::App& app, Shell shell);

}  // namespace trireme::tools
