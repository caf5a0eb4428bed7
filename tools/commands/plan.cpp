#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/context.h"

namespace trireme::tools {
namespace {

struct PlanFlags {
  std::string model;
  DeviceFlags devices;
  std::vector<std::string> budgets;
  int64_t context = 0;
};

// "4096", "512K", "1.5GiB", "300MB": K, M and G are powers of 1024, KB, MB and GB of 1000.
Result<uint64_t> parse_bytes(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1},        {"B", 1},         {"K", 1 << 10}, {"KiB", 1 << 10}, {"KB", 1e3},      {"kB", 1e3},
      {"M", 1 << 20}, {"MiB", 1 << 20}, {"MB", 1e6},    {"G", 1 << 30},   {"GiB", 1 << 30}, {"GB", 1e9}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view name(end, size_t(text.data() + text.size() - end));
  const auto unit = std::ranges::find(kUnits, name, &std::pair<std::string_view, double>::first);
  constexpr double kMost = 0x1p50;
  if (error != std::errc() || unit == std::end(kUnits) || !(number >= 0) || !(number * unit->second <= kMost))
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "'", "it is not a number of bytes",
                "write for example cpu:0=300MiB");
  return uint64_t(number * unit->second);
}

struct Budget {
  std::string device;
  uint64_t bytes = 0;
};

Result<Budget> parse_budget(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "'", "it is not ID=BYTES",
                "write for example cpu:0=300MiB");
  TRIREME_ASSIGN(const uint64_t bytes, parse_bytes(text.substr(equals + 1)));
  return Budget{std::string(text.substr(0, equals)), bytes};
}

Status apply_budget(const std::string& text, std::vector<runtime::PlanDevice>& devices,
                    std::optional<runtime::PlanDevice>& fallback) {
  TRIREME_ASSIGN(const Budget budget, parse_budget(text));
  bool found = false;
  const auto apply = [&](runtime::PlanDevice& device) {
    if (device.device->info().id != budget.device) return;
    device.budget = budget.bytes;
    found = true;
  };
  for (runtime::PlanDevice& device : devices) apply(device);
  if (fallback) apply(*fallback);
  if (found) return {};
  return fail(ErrorCode::kInvalidArgument, "budget of " + budget.device, "the plan does not use this device",
              "name it with --device too");
}

std::string layer_name(int layer, int64_t layers) {
  return layer < 0 ? "embedding" : layer == layers ? "head" : fmt::format("layer {}", layer);
}

Status plan(const Context& context, const PlanFlags& flags) {
  TRIREME_ASSIGN(std::vector<runtime::PlanDevice> devices, open_devices(context, flags.devices));
  TRIREME_ASSIGN(std::optional<runtime::PlanDevice> fallback, open_fallback(context, flags.devices, devices));
  for (const std::string& budget : flags.budgets) TRIREME_TRY(apply_budget(budget, devices, fallback));
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(
      const runtime::Plan plan,
      runtime::plan_placement(*model, std::move(devices), {flags.context, 1, flags.devices.kv(), std::move(fallback)}));
  const int64_t layers = model->hyperparameters().layers;
  nlohmann::ordered_json ranges = nlohmann::ordered_json::array();
  std::string text = fmt::format("{:<24} {:<12} {:>10} {:>10} {:>10} {:>10}  {}\n", "LAYERS", "DEVICE", "WEIGHTS",
                                 "KV CACHE", "STEP", "MAY USE", "WHY");
  for (const runtime::PlannedRange& range : plan.ranges) {
    ranges.push_back({{"first_layer", range.first_layer},
                      {"last_layer", range.last_layer},
                      {"device", range.device},
                      {"weight_bytes", range.weight_bytes},
                      {"kv_bytes", range.kv_bytes},
                      {"step_bytes", range.step_bytes},
                      {"budget_bytes", range.budget_bytes},
                      {"reason", range.reason}});
    text += fmt::format("{:<24} {:<12} {:>10} {:>10} {:>10} {:>10}  {}\n",
                        layer_name(range.first_layer, layers) + " - " + layer_name(range.last_layer, layers),
                        range.device, format_bytes(range.weight_bytes), format_bytes(range.kv_bytes),
                        format_bytes(range.step_bytes), format_bytes(range.budget_bytes), range.reason);
  }
  const int64_t length = flags.context ? flags.context : model->hyperparameters().context_length;
  if (context.json) return print_json({{"layers", layers}, {"context", length}, {"ranges", ranges}});
  return print(text + fmt::format("context: {} tokens\n", length));
}

}  // namespace

void add_plan_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("plan", "Show where each layer goes, what it takes there, and why");
  auto flags = std::make_shared<PlanFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  add_device_flags(*command, flags->devices);
  command
      ->add_option("--budget", flags->budgets,
                   "The most bytes that a device may give, such as cpu:0=300MiB or cpu:0=1.5G")
      ->type_name("ID=BYTES")
      ->allow_extra_args(false)
      ->check(parsed_by(parse_budget));
  command->add_option("--context", flags->context, "Tokens of the KV cache; default: as many as the model was made for")
      ->check(between(int64_t{1}, int64_t{1} << 24));
  command->footer(
      "Example:\n  trireme plan model.gguf --device cpu:0,reference:0 --budget cpu:0=200MiB --context 2048");
  command->callback([&context, flags] { context.command = [&context, flags] { return plan(context, *flags); }; });
}

}  // namespace trireme::tools
