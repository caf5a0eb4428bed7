#include "tools/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace trireme::tools {
namespace {

volatile std::sig_atomic_t interrupt_count = 0;

void on_interrupt(int) {
  interrupt_count = interrupt_count + 1;
  if (interrupt_count > 1) _exit(130);
}

}  // namespace

Status print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return fail(ErrorCode::kIo, "standard output", errno == EPIPE ? "its reader has closed it" : std::strerror(errno),
                  "write to a file or a terminal");
    text.remove_prefix(size_t(written));
  }
  return {};
}

Status print_json(const nlohmann::ordered_json& value) {
  return print(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void note(std::string_view text) {
  fmt::print(stderr, "{}\n", text);
}

bool interrupted() {
  return interrupt_count > 0;
}

void clear_interrupt() {
  interrupt_count = 0;
}

void install_signal_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < (1u << 20)) return fmt::format("{:.1f} KiB", double(bytes) / 1024);
  if (bytes < (1u << 30)) return fmt::format("{:.1f} MiB", double(bytes) / (1 << 20));
  return fmt::format("{:.2f} GiB", double(bytes) / (1 << 30));
}

std::string format_rate(double tokens_per_s) {
  return fmt::format("{:.1f}", tokens_per_s);
}

void add_device_flags(CLI::App& app, DeviceFlags& flags) {
  app.add_option("--device", flags.devices, "Devices to compute on, such as cpu:0 or cpu:0,reference:0")
      ->type_name("ID[,ID..]");
  app.add_option("--threads", flags.threads, "Host threads of a device that computes on them; 0: one a core")
      ->check(CLI::Range(0, 1024));
}

Result<std::vector<runtime::PlanDevice>> open_devices(const Context& context, const DeviceFlags& flags) {
  std::vector<runtime::PlanDevice> devices;
  std::string_view rest = flags.devices.empty() ? std::string_view("cpu:0") : std::string_view(flags.devices);
  while (true) {
    const size_t comma = rest.find(',');
    TRIREME_ASSIGN(std::shared_ptr<Device> device, context.registry.open(rest.substr(0, comma), {flags.threads}));
    devices.push_back({std::move(device), std::nullopt});
    if (comma == std::string_view::npos) return devices;
    rest.remove_prefix(comma + 1);
  }
}

Result<OpenSession> open_session(const Context& context, const std::string& model_path, const DeviceFlags& flags,
                                 const runtime::SessionOptions& options) {
  TRIREME_ASSIGN(std::shared_ptr<const runtime::Model> model, runtime::Model::open(model_path));
  return open_session(context, std::move(model), flags, options);
}

Result<OpenSession> open_session(const Context& context, std::shared_ptr<const runtime::Model> model,
                                 const DeviceFlags& flags, const runtime::SessionOptions& options) {
  OpenSession open;
  open.model = std::move(model);
  TRIREME_ASSIGN(std::vector<runtime::PlanDevice> devices, open_devices(context, flags));
  TRIREME_ASSIGN(open.plan, runtime::plan_placement(*open.model, std::move(devices),
                                                    {options.context, options.sequences, options.kv_format}));
  TRIREME_ASSIGN(open.session, runtime::Session::create(open.model, open.plan.placement, options));
  return open;
}

std::vector<std::string> device_ids(const runtime::Plan& plan) {
  std::vector<std::string> ids;
  for (const runtime::PlannedRange& range : plan.ranges) ids.push_back(range.device);
  return ids;
}

}  // namespace trireme::tools
