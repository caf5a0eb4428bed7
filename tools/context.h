// Context: what every subcommand shares: the backends, the way to print, and the user's wish to stop.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hal/backend.h"
#include "runtime/planner.h"
#include "runtime/session.h"

namespace trireme::tools {

struct Context {
  Registry registry;
  bool json = false;
  std::function<Status()> command;  // what the command line asked for
};

// Writes to stdout. Errors: kIo when the reader has gone or the disk is full.
Status print(std::string_view text);
Status print_json(const nlohmann::ordered_json& value);
// Writes to stderr, for people.
void note(std::string_view text);

// Becomes true when the user presses Ctrl-C; a second press ends the program at once.
bool interrupted();
void clear_interrupt();
void install_signal_handlers();

std::string format_bytes(uint64_t bytes);      // "93.8 MiB"
std::string format_rate(double tokens_per_s);  // "212.4"

// "--device" and "--threads", as every subcommand that computes takes them.
struct DeviceFlags {
  std::string devices;  // "cpu:0,reference:0"; empty: the plan chooses
  int threads = 0;
};
void add_device_flags(CLI::App& app, DeviceFlags& flags);

// Opens the devices that the flags name, or cpu:0. Errors: kNotFound, kUnsupported.
Result<std::vector<runtime::PlanDevice>> open_devices(const Context& context, const DeviceFlags& flags);

// A model ready to compute.
struct OpenSession {
  std::shared_ptr<const runtime::Model> model;
  runtime::Plan plan;
  std::unique_ptr<runtime::Session> session;
};
Result<OpenSession> open_session(const Context& context, const std::string& model_path, const DeviceFlags& flags,
                                 const runtime::SessionOptions& options);
Result<OpenSession> open_session(const Context& context, std::shared_ptr<const runtime::Model> model,
                                 const DeviceFlags& flags, const runtime::SessionOptions& options);
std::vector<std::string> device_ids(const runtime::Plan& plan);

void add_devices_command(CLI::App& app, Context& context);
void add_run_command(CLI::App& app, Context& context);
void add_chat_command(CLI::App& app, Context& context);
void add_logits_command(CLI::App& app, Context& context);
void add_perplexity_command(CLI::App& app, Context& context);
void add_tokenize_command(CLI::App& app, Context& context);
void add_bench_command(CLI::App& app, Context& context);
void add_plan_command(CLI::App& app, Context& context);
void add_inspect_command(CLI::App& app, Context& context);
void add_quantize_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);

}  // namespace trireme::tools
