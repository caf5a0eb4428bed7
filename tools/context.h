// Context: what every subcommand shares: the backends, the devices that the user chose, and an opened model.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hal/backend.h"
#include "runtime/planner.h"
#include "runtime/session.h"
#include "tools/terminal.h"
#include "tools/validators.h"

namespace trireme::tools {

struct Context {
  Registry registry;
  bool json = false;
  std::string log_level = "warn";
  std::string opencl_library;  // empty: the loader of drivers
  std::filesystem::path kernel_cache;
  std::function<Status()> command;  // what the command line asked for
};

// "--device" and "--threads", as every subcommand that computes takes them.
struct DeviceFlags {
  std::string devices;   // "cpu:0,reference:0"; empty: the plan chooses
  std::string fallback;  // "cpu:0"; empty: what a device can't do is an error
  int threads = 0;
  std::string kv_format;  // "F16", "F32"; empty: what the first device prefers
  bool native_bf16 = false;

  // Null when the device chooses.
  const Format* kv() const { return kv_format.empty() ? nullptr : find_format(kv_format); }
};
void add_device_flags(CLI::App& app, DeviceFlags& flags);

// Opens the devices that the flags name, or cpu:0. Errors: kNotFound, kUnsupported.
Result<std::vector<runtime::PlanDevice>> open_devices(const Context& context, const DeviceFlags& flags);

// The one of them that the flags allow to do what another can't, or one more.
Result<std::optional<runtime::PlanDevice>> open_fallback(const Context& context, const DeviceFlags& flags,
                                                         const std::vector<runtime::PlanDevice>& devices);

// A model ready to compute.
struct OpenSession {
  std::shared_ptr<const runtime::Model> model;
  runtime::Plan plan;
  std::unique_ptr<runtime::Session> session;
};

// Plans, compiles and loads the weights, so that first steps of so many rows find everything ready. A bar shows the
// loading. Errors: kCancelled by Ctrl-C.
Result<OpenSession> open_session(const Context& context, std::shared_ptr<const runtime::Model> model,
                                 const DeviceFlags& flags, const runtime::SessionOptions& options,
                                 std::initializer_list<int64_t> first_rows);
std::vector<std::string> device_ids(const runtime::Plan& plan);

void add_devices_command(CLI::App& app, Context& context);
void add_run_command(CLI::App& app, Context& context);
void add_chat_command(CLI::App& app, Context& context);
void add_logits_command(CLI::App& app, Context& context);
void add_perplexity_command(CLI::App& app, Context& context);
void add_tokenize_command(CLI::App& app, Context& context);
void add_bench_command(CLI::App& app, Context& context);
void add_plan_command(CLI::App& app, Context& context);
void add_conformance_command(CLI::App& app, Context& context);
void add_inspect_command(CLI::App& app, Context& context);
void add_tune_command(CLI::App& app, Context& context);
void add_quantize_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);

}  // namespace trireme::tools
